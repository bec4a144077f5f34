/** The one macrotask of Node that costs no millisecond; absent in browsers. */
interface MaybeImmediate {
  readonly setImmediate?: (callback: () => void) => void;
}

/**
 * Lets timers, signals and messages in. Awaiting settled promises alone never does, so long work that only
 * awaits would not notice that it was asked to stop, and would freeze a page.
 */
export function yieldToEventLoop(): Promise<void> {
  const { setImmediate: immediate } = globalThis as MaybeImmediate;
  return new Promise((resolve) => {
    if (immediate === undefined) setTimeout(resolve, 0);
    else immediate(resolve);
  });
}
