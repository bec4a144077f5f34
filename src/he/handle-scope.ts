/** Anything that holds memory the garbage collector does not see. */
export interface Handle {
  delete(): void;
}

/**
 * Frees native handles in reverse order of their making. WebAssembly memory is never collected, so every
 * handle belongs to a scope from the moment it exists.
 */
export class HandleScope {
  readonly #handles: Handle[] = [];

  /** Takes ownership of a handle and returns it. */
  own<T extends Handle>(handle: T): T {
    this.#handles.push(handle);
    return handle;
  }

  /** Frees everything owned; idempotent. */
  dispose(): void {
    for (let handle = this.#handles.pop(); handle !== undefined; handle = this.#handles.pop()) {
      handle.delete();
    }
  }
}

/** Runs `work` with a scope that ends when it returns or throws. */
export function withHandles<T>(work: (scope: HandleScope) => T): T {
  const scope = new HandleScope();
  try {
    return work(scope);
  } finally {
    scope.dispose();
  }
}
