import type { AdmittedEvent, SceneKeeper, StoreOutcome } from './scene-keeper.ts';

interface Waiting extends AdmittedEvent {
  readonly resolve: (outcome: StoreOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

/** Events on their way into a scene: those that come while others are being written are written together. */
export class SceneQueue {
  readonly keeper: SceneKeeper;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;

  constructor(keeper: SceneKeeper) {
    this.keeper = keeper;
  }

  /** Resolves when the event is durable, or does not belong into the profile. */
  push(admitted: AdmittedEvent): Promise<StoreOutcome> {
    const outcome = new Promise<StoreOutcome>((resolve, reject) => {
      this.#waiting.push({ ...admitted, resolve, reject });
    });
    this.#writing ??= this.#write();
    return outcome;
  }

  /** Resolves when nothing is on its way any more, whatever became of it. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    // Everything offered in the same turn goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const outcomes = await this.keeper.take(batch);
        batch.forEach((entry, i) => {
          entry.resolve(outcomes[i] as StoreOutcome);
        });
      } catch (error) {
        for (const entry of batch) entry.reject(error);
      }
    }
    this.#writing = null;
  }
}
