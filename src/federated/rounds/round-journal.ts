/**
 * Remembers which rounds have begun, where no charge of their own does: a round that began may have been
 * released, and a second one with fresh noise would be unpaid for.
 */
export interface RoundJournal {
  /** True when what was noted survives a crash of the process and the machine: real budgets need it. */
  readonly durable: boolean;
  /**
   * Notes that the round begins, durably before it returns.
   *
   * @returns false when it was noted before
   */
  begin(roundId: string): Promise<boolean>;
}

/** For simulations: forgets everything when the process ends. */
export class MemoryRoundJournal implements RoundJournal {
  readonly durable = false;
  readonly #begun = new Set<string>();

  async begin(roundId: string): Promise<boolean> {
    const isNew = !this.#begun.has(roundId);
    this.#begun.add(roundId);
    return isNew;
  }
}
