import { type AuditedItems, auditScores } from './audited-items.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { topK } from './top-k.ts';

/** One item of a ranking. */
export interface ScoredItem {
  /** Position of the item in the catalogue. */
  readonly item: number;
  /** The score rounded to the resolution of the catalogue: twice its error bound. */
  readonly score: number;
}

/** What of the scores is wanted. */
export interface RankingOptions {
  /** How many items, best first. */
  readonly topK: number;
  /** Items that may not appear, such as those already bought. */
  readonly exclude?: Iterable<number>;
  /** The only items that may appear, such as those of one category; all by default. */
  readonly only?: Iterable<number>;
  /** Which head of the catalogue counts; by default the first. */
  readonly head?: string;
}

/**
 * The decrypted scores of one reply. They stay inside: rankings come out, with rounded scores.
 *
 * ## Privacy
 * Scores carry noise that depends on the secret key (Li and Micciancio, "On the security of homomorphic
 * encryption on approximate numbers", 2021). Rounding to twice the error bound narrows that channel, it does
 * not close it: what comes out here is for the person whose profile it was, not for the server.
 */
export class PrivateScores {
  readonly #rows: Int32Array;
  readonly #catalogue: CatalogueDescription;

  /** @param rows - `[items, heads]` integer scores; owned by this object from now on */
  constructor(catalogue: CatalogueDescription, rows: Int32Array) {
    this.#catalogue = catalogue;
    this.#rows = rows;
  }

  /** Items in the catalogue. */
  get items(): number {
    return this.#rows.length / this.#catalogue.heads.length;
  }

  /**
   * The best items, by one pass over all; as often as wanted.
   *
   * @throws {RangeError} if `topK` is no positive integer, an item is not in the catalogue, or the head is not
   */
  rank(options: RankingOptions): readonly ScoredItem[] {
    const { scoreScale, scoreErrorBound } = this.#catalogue;
    const scores = this.#headScores(options.head);
    const resolution = scoreErrorBound === 0 ? 1 / scoreScale : 2 * scoreErrorBound;
    return Array.from(topK(scores, checkTopK(options.topK), this.#barred(options)), (item) => ({
      item,
      score: resolution * Math.round((scores[item] as number) / scoreScale / resolution),
    }));
  }

  /**
   * All scores of a head, unrounded.
   *
   * ## Privacy
   * The low digits are noise that depends on the secret key. Whoever sees them together with the query can
   * learn about the key, hence the profile: never send, log or store them.
   *
   * @param head - by default the first
   * @returns `[items]`
   */
  revealRawScoresUnsafely(head?: string): Float64Array {
    const { scoreScale } = this.#catalogue;
    return Float64Array.from(this.#headScores(head), (score) => score / scoreScale);
  }

  /**
   * Checks the scores against rows of the catalogue that are known for certain.
   *
   * @param profile - the one that was encrypted
   * @throws {VelaturaError} `he/failed-audit` if the server computed something else; it does not catch everything,
   *   see `audited-items.proof.md`
   * @throws {VelaturaError} `he/wrong-catalogue` if the server described the catalogue otherwise than its owner
   */
  audit(audited: AuditedItems, profile: Float32Array): void {
    auditScores(this.#catalogue, audited, profile, this.#rows);
  }

  /** Overwrites the scores with zeros. */
  erase(): void {
    this.#rows.fill(0);
  }

  #headScores(name: string | undefined): Int32Array {
    const { heads } = this.#catalogue;
    const head = name === undefined ? 0 : heads.indexOf(name);
    if (head === -1) {
      throw new RangeError(`"head" expected one of ${heads.join(', ')}, got ${name}`);
    }
    if (heads.length === 1) return this.#rows;
    const scores = new Int32Array(this.items);
    for (let item = 0; item < scores.length; item++) {
      scores[item] = this.#rows[item * heads.length + head] as number;
    }
    return scores;
  }

  #barred({ exclude, only }: RankingOptions): Uint8Array | null {
    if (exclude === undefined && only === undefined) return null;
    const barred = new Uint8Array(this.items);
    if (only !== undefined) {
      barred.fill(1);
      for (const item of only) barred[checkItem('only', item, this.items)] = 0;
    }
    for (const item of exclude ?? []) barred[checkItem('exclude', item, this.items)] = 1;
    return barred;
  }
}

/**
 * @returns k
 * @throws {RangeError} if it is no positive integer
 */
export function checkTopK(k: number): number {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`"topK" expected a positive integer, got ${k}`);
  }
  return k;
}

function checkItem(name: string, item: number, items: number): number {
  if (!Number.isInteger(item) || item < 0 || item >= items) {
    throw new RangeError(`"${name}" expected items from 0 to ${items - 1}, got ${item}`);
  }
  return item;
}
