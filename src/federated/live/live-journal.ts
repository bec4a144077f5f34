import { VelaturaError } from '../../core/errors.ts';

/**
 * The events of a run, in order: what makes it the same run after a crash. Of several coordinators that open one
 * journal a single one may write.
 */
export interface LiveJournal {
  /** True when what was appended survives a crash of the process and the machine. */
  readonly durable: boolean;
  /** All entries since the last `compact`, which is then the first of them. */
  read(): Promise<readonly Uint8Array[]>;
  /**
   * Adds an entry, durable before it returns.
   *
   * @throws {VelaturaError} `federated/coordinator-superseded` when another coordinator took over; nothing was added
   */
  append(entry: Uint8Array): Promise<void>;
  /**
   * Puts one entry in the place of all: the frames of a round are then gone.
   *
   * @throws {VelaturaError} `federated/coordinator-superseded`
   */
  compact(entry: Uint8Array): Promise<void>;
  /** Lets another coordinator open it at once. */
  close(): Promise<void>;
}

/** What several {@link MemoryLiveJournal} of one process share. */
export interface SharedEntries {
  entries: Uint8Array[];
  owner: object | null;
}

/** For tests and simulations: opening it takes it over, and it forgets everything when the process ends. */
export class MemoryLiveJournal implements LiveJournal {
  readonly durable = false;
  readonly #shared: SharedEntries;
  readonly #owner = {};

  constructor(shared: SharedEntries = { entries: [], owner: null }) {
    this.#shared = shared;
    shared.owner = this.#owner;
  }

  async read(): Promise<readonly Uint8Array[]> {
    return this.#shared.entries.map((entry) => entry.slice());
  }

  async append(entry: Uint8Array): Promise<void> {
    this.#assertOwner();
    this.#shared.entries.push(entry.slice());
  }

  async compact(entry: Uint8Array): Promise<void> {
    this.#assertOwner();
    this.#shared.entries = [entry.slice()];
  }

  async close(): Promise<void> {
    if (this.#shared.owner === this.#owner) this.#shared.owner = null;
  }

  #assertOwner(): void {
    if (this.#shared.owner !== this.#owner) throw superseded();
  }
}

/** What a coordinator hears that has lost its journal. */
export function superseded(): VelaturaError {
  return new VelaturaError(
    'federated/coordinator-superseded',
    'another coordinator took the federation over',
  );
}
