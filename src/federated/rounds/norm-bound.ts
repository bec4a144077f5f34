import { VelaturaError } from '../../core/errors.ts';
import type { TrustModel } from '../../dp/statement.ts';
import type { SecureSum, SumParameters, SumResult, SumSession } from './secure-sum.ts';

/**
 * A plain sum that refuses every contribution longer than `contributionBound` in l2 norm, checked in exact
 * integers: what a hostile client can do to the sum is then bounded by the server, not by the client's own
 * good will. Stricter than a sum has to be, whose bound is on each coordinate: up to √dimension times less. Of
 * a cryptographic sum the server sees no single vector, so it cannot be wrapped.
 */
export class NormBoundedSum implements SecureSum {
  readonly name = 'plain';
  readonly trust: TrustModel;
  readonly disclosure: number;
  readonly #inner: SecureSum;

  /** @throws {RangeError} when the inner sum hides the contributions from its server */
  constructor(inner: SecureSum) {
    if (inner.name !== 'plain') {
      throw new RangeError(`"inner" expected a plain sum, got "${inner.name}"`);
    }
    this.#inner = inner;
    this.trust = inner.trust;
    this.disclosure = inner.disclosure;
  }

  async open(parameters: SumParameters): Promise<SumSession> {
    return new NormBoundedSession(await this.#inner.open(parameters));
  }
}

class NormBoundedSession implements SumSession {
  readonly parameters: SumParameters;
  readonly #inner: SumSession;

  constructor(inner: SumSession) {
    this.#inner = inner;
    this.parameters = inner.parameters;
  }

  async contribute(account: string, vector: Float64Array): Promise<void> {
    const { contributionBound } = this.parameters;
    // Residues with noise in them have no length to check.
    if (contributionBound !== null && !isWithin(vector, contributionBound)) {
      throw new VelaturaError(
        'federated/invalid-contribution',
        `a contribution expected a norm of at most ${contributionBound}`,
        { contributionBound },
      );
    }
    await this.#inner.contribute(account, vector);
  }

  close(): Promise<SumResult> {
    return this.#inner.close();
  }
}

/**
 * Whether Σ z² ≤ bound², in exact arithmetic: partial sums of integers are exact up to 2⁵³, and where bound²
 * is beyond that they are taken in big integers.
 */
function isWithin(vector: Float64Array, bound: number): boolean {
  const limit = bound * bound;
  if (limit <= Number.MAX_SAFE_INTEGER) {
    let sum = 0;
    for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) ** 2;
    // Terms that are no integers are for the inner sum to refuse; a sum past 2⁵³ is over the limit.
    return sum <= limit;
  }
  let exact = 0n;
  for (const value of vector) {
    if (!Number.isSafeInteger(value)) return false;
    exact += BigInt(value) ** 2n;
  }
  return exact <= BigInt(bound) ** 2n;
}
