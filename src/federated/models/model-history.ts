import * as v from 'valibot';
import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { type ChainHead, HashChain, type Sha256 } from '../../core/hash-chain.ts';
import type { StoredStep } from './model-store.ts';

/** Something that happened to the versions of a model. */
export type ModelStep =
  | {
      readonly action: 'publish';
      /** 1, 2, 3, … */
      readonly version: number;
      /** SHA-256 of the model file. */
      readonly sha256: Uint8Array;
      /** Bytes of the model file. */
      readonly length: number;
      /** Milliseconds since 1970-01-01T00:00Z, by the clock of whoever published. */
      readonly time: number;
    }
  | {
      readonly action: 'roll-back';
      /** The version that is current from here on. */
      readonly version: number;
      readonly time: number;
    };

const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const POSITIVE = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const STEP = v.variant('action', [
  v.strictObject({
    action: v.literal('publish'),
    version: POSITIVE,
    sha256: v.pipe(v.instance(Uint8Array), v.length(32)),
    length: COUNT,
    time: v.pipe(v.number(), v.safeInteger()),
  }),
  v.strictObject({
    action: v.literal('roll-back'),
    version: POSITIVE,
    time: v.pipe(v.number(), v.safeInteger()),
  }),
]);

/** What was published under one number. */
export type PublishedStep = Extract<ModelStep, { readonly action: 'publish' }>;

/** The steps so far, checked one by one as they come: a hash-chained, append-only list. */
export class ModelHistory {
  readonly #chain: HashChain;
  readonly #steps: ModelStep[] = [];
  readonly #published: PublishedStep[] = [];
  #head: ChainHead;

  constructor(sha256: Sha256) {
    this.#chain = new HashChain('models', sha256);
    this.#head = this.#chain.start();
  }

  get head(): ChainHead {
    return this.#head;
  }

  get steps(): readonly ModelStep[] {
    return this.#steps;
  }

  /** Every version ever published, by number. */
  get published(): readonly PublishedStep[] {
    return this.#published;
  }

  /** Number of the current version; null before the first. */
  get current(): number | null {
    return this.#steps.at(-1)?.version ?? null;
  }

  /** The step that would follow, as it would be stored. */
  encode(step: ModelStep): StoredStep {
    const { hash, body } = this.#chain.append(this.#head, encodeCanonical(step));
    return { hash, body };
  }

  /**
   * Takes over what a store holds behind the steps known here.
   *
   * @throws {VelaturaError} `core/broken-chain`
   */
  extend(stored: readonly StoredStep[]): void {
    for (const { hash, body } of stored) {
      const seq = this.#head.seq + 1;
      const head = this.#chain.verify(this.#head, [{ seq, hash, body }]);
      const step = decodeStep(seq, body);
      const { version } = step;
      const isNext = version === this.#published.length + 1;
      if (step.action === 'publish' ? !isNext : version > this.#published.length) {
        throw broken(seq, `step ${seq} names version ${version} out of order`);
      }
      this.#head = head;
      this.#steps.push(step);
      if (step.action === 'publish') this.#published.push(step);
    }
  }
}

function decodeStep(seq: number, body: Uint8Array): ModelStep {
  let value: unknown;
  try {
    value = decodeCanonical(body);
  } catch (cause) {
    throw broken(seq, `step ${seq} is not canonical CBOR`, { cause });
  }
  if (!v.is(STEP, value)) throw broken(seq, `step ${seq} is not a step of a model's history`);
  return value;
}

function broken(seq: number, message: string, options?: ErrorOptions): VelaturaError {
  return new VelaturaError('core/broken-chain', message, { seq }, options);
}
