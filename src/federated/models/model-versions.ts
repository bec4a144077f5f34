import { bytesToHex } from '@noble/hashes/utils.js';
import { sameBytes } from '../../core/bytes.ts';
import { VelaturaError } from '../../core/errors.ts';
import { type ChainHead, headHex, portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import type { ModelFormat } from './model-file.ts';
import { ModelHistory, type ModelStep, type PublishedStep } from './model-history.ts';
import type { ModelStore } from './model-store.ts';
import { invalidFile } from './tensor.ts';

/** Options of {@link ModelVersions}. */
export interface ModelVersionsOptions<M> {
  readonly store: ModelStore;
  /** What the files hold, such as `tagModelFormat({ tags, features })`. */
  readonly format: ModelFormat<M>;
  /**
   * A head noted down earlier: the history must contain it. Without one, a history cut short at its end
   * looks like a younger one.
   */
  readonly checkpoint?: ChainHead;
  readonly sha256?: Sha256;
  /** Milliseconds since 1970-01-01T00:00Z; default `Date.now`. */
  readonly clock?: () => number;
}

/** One version, as the history tells it. */
export interface ModelVersion {
  /** 1, 2, 3, … */
  readonly version: number;
  /** SHA-256 of the model file, in hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly publishedAt: number;
  readonly isCurrent: boolean;
}

/** A version with its model. */
export interface LoadedVersion<M> {
  readonly version: number;
  readonly model: M;
}

/** Somebody else may win the next number that often before it is taken for a fault of the store. */
const ATTEMPTS = 1000;

/**
 * Versions of one model: publish, see which is current, roll back. The history is append-only and
 * hash-chained, files are found by their SHA-256, and both are checked whenever they are read, so that a
 * file that was altered or torn is found before anybody predicts with it. Many may publish at once: each
 * gets a number of its own.
 *
 * ## Privacy
 * A roll-back takes nothing back: every version published was released and stays paid for.
 */
export class ModelVersions<M> {
  readonly #store: ModelStore;
  readonly #format: ModelFormat<M>;
  readonly #sha256: Sha256;
  readonly #clock: () => number;
  readonly #history: ModelHistory;
  #checkpoint: ChainHead | null;
  /** One at a time, or two readings would take over the same steps. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ModelVersionsOptions<M>) {
    const { store, format, checkpoint = null, sha256 = portableSha256, clock = Date.now } = options;
    this.#store = store;
    this.#format = format;
    this.#sha256 = sha256;
    this.#clock = clock;
    this.#checkpoint = checkpoint;
    this.#history = new ModelHistory(sha256);
  }

  /**
   * Makes a model the next version, and the current one. The file is durable before the history names it.
   *
   * @returns number of the version
   * @throws {VelaturaError} `federated/invalid-model-file` for a model that could not be read back;
   * `core/broken-chain`
   */
  async publish(model: M): Promise<number> {
    const bytes = this.#format.encode(model);
    // What cannot be loaded must never become current.
    this.#format.decode(bytes);
    const sha256 = this.#sha256(bytes);
    await this.#store.putFile(sha256, bytes);
    return this.#append((published) => ({
      action: 'publish',
      version: published + 1,
      sha256,
      length: bytes.length,
      time: this.#clock(),
    }));
  }

  /**
   * Makes an earlier version current again, as a new step of the history.
   *
   * @throws {VelaturaError} `federated/unknown-model-version`; `federated/invalid-model-file` when its file
   * was altered: the current version then stays
   */
  async rollBack(version: number): Promise<void> {
    await this.load(version);
    await this.#append(() => ({ action: 'roll-back', version, time: this.#clock() }));
  }

  /**
   * The current version and its model; null before the first.
   *
   * @throws {VelaturaError} `federated/invalid-model-file`, `core/broken-chain`
   */
  async current(): Promise<LoadedVersion<M> | null> {
    const version = await this.#exclusively(async () => this.#history.current);
    return version === null ? null : this.load(version);
  }

  /**
   * Any version, current or not.
   *
   * @throws {VelaturaError} `federated/unknown-model-version`; `federated/invalid-model-file` when its file is
   * missing, altered or of another shape; `core/broken-chain`
   */
  async load(version: number): Promise<LoadedVersion<M>> {
    const step = await this.#exclusively(async () => this.#publishedStep(version));
    const bytes = await this.#store.getFile(step.sha256);
    if (bytes === null) throw invalidFile(`the file of version ${version} is missing`);
    if (bytes.length !== step.length || !sameBytes(this.#sha256(bytes), step.sha256)) {
      throw invalidFile(`the file of version ${version} was altered: its hash is wrong`);
    }
    return { version, model: this.#format.decode(bytes) };
  }

  /** Every version ever published, oldest first. */
  async list(): Promise<readonly ModelVersion[]> {
    return this.#exclusively(async () => {
      const { current, published } = this.#history;
      return published.map(({ version, sha256, time }) => ({
        version,
        sha256: bytesToHex(sha256),
        publishedAt: time,
        isCurrent: version === current,
      }));
    });
  }

  /** All that happened, oldest first. */
  async history(): Promise<readonly ModelStep[]> {
    return this.#exclusively(async () => [...this.#history.steps]);
  }

  /** Where the history stands: note it down elsewhere and give it back as `checkpoint`. */
  async head(): Promise<ChainHead> {
    return this.#exclusively(async () => this.#history.head);
  }

  #publishedStep(version: number): PublishedStep {
    const step = this.#history.published[version - 1];
    if (step === undefined) {
      throw new VelaturaError(
        'federated/unknown-model-version',
        `"version" expected 1 to ${this.#history.published.length}, got ${version}`,
        { version, published: this.#history.published.length },
      );
    }
    return step;
  }

  /** Adds one step behind whatever others added meanwhile. */
  async #append(make: (published: number) => ModelStep): Promise<number> {
    return this.#exclusively(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const step = make(this.#history.published.length);
        const stored = this.#history.encode(step);
        if (await this.#store.append(this.#history.head.seq + 1, stored)) {
          this.#history.extend([stored]);
          return step.version;
        }
        await this.#refresh();
      }
      throw new VelaturaError('core/broken-chain', 'the store takes no step and shows none', {
        seq: this.#history.head.seq + 1,
      });
    });
  }

  /** Runs with the history up to date and nobody else at it. */
  #exclusively<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      await this.#refresh();
      return body();
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #refresh(): Promise<void> {
    this.#history.extend(await this.#store.steps(this.#history.head.seq + 1));
    if (this.#checkpoint === null) return;
    // A history that was read here cannot get shorter here: once is enough.
    await this.#checkAgainst(this.#checkpoint);
    this.#checkpoint = null;
  }

  async #checkAgainst(checkpoint: ChainHead): Promise<void> {
    if (checkpoint.seq < 0) return;
    const [step] = await this.#store.steps(checkpoint.seq);
    if (!sameBytes(checkpoint.hash, step?.hash)) {
      throw new VelaturaError(
        'core/broken-chain',
        `the history expected step ${checkpoint.seq} of hash ${headHex(checkpoint)}: it was cut short or replaced`,
        { seq: checkpoint.seq },
      );
    }
  }
}
