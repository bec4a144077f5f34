import { VelaturaError } from '../../core/errors.ts';
import type { SecureSum, SumParameters, SumResult, SumSession } from './secure-sum.ts';

/**
 * Adds in the clear, in this process: for simulation and for deployments in which the aggregator is trusted.
 *
 * ## Privacy
 * None against whoever runs it: it sees every single update. Its privacy statement says so.
 */
export class PlainSum implements SecureSum {
  readonly name = 'plain';
  readonly trust = {
    server:
      'trusted: it sees every clipped update before the noise is added (plain sum, simulation)',
    otherClients: 'see the model after each round: the noise protects against them',
    modelReaders: 'see the released models: the noise protects against them',
  } as const;

  async open(parameters: SumParameters): Promise<SumSession> {
    checkParameters(parameters);
    return new PlainSumSession(parameters);
  }
}

function checkParameters(parameters: SumParameters): void {
  const { dimension, modulusBits, contributionBound, cohort, minimumSurvivors } = parameters;
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new RangeError(`"dimension" expected a positive integer, got ${dimension}`);
  }
  if (!Number.isInteger(modulusBits) || modulusBits < 2 || modulusBits > 52) {
    throw new RangeError(`"modulusBits" expected an integer in [2, 52], got ${modulusBits}`);
  }
  if (!Number.isInteger(contributionBound) || contributionBound < 1) {
    throw new RangeError(
      `"contributionBound" expected a positive integer, got ${contributionBound}`,
    );
  }
  if (new Set(cohort).size !== cohort.length) {
    throw new VelaturaError(
      'federated/duplicate-contribution',
      'an account is in the cohort twice',
    );
  }
  if (cohort.length < Math.max(1, minimumSurvivors)) {
    throw new VelaturaError(
      'federated/cohort-too-small',
      `the cohort has ${cohort.length} accounts, the minimum is ${minimumSurvivors}`,
      { cohort: cohort.length, minimum: minimumSurvivors },
    );
  }
  if (cohort.length * contributionBound >= 2 ** (modulusBits - 1)) {
    throw new VelaturaError(
      'federated/wrap-around',
      `${cohort.length} contributions of up to ${contributionBound} do not fit ${modulusBits} bits`,
      { cohort: cohort.length, contributionBound, modulusBits },
    );
  }
}

class PlainSumSession implements SumSession {
  readonly parameters: SumParameters;
  readonly #sum: Float64Array;
  readonly #waiting: Set<string>;
  readonly #members: ReadonlySet<string>;
  #open = true;

  constructor(parameters: SumParameters) {
    this.parameters = parameters;
    this.#sum = new Float64Array(parameters.dimension);
    this.#members = new Set(parameters.cohort);
    this.#waiting = new Set(parameters.cohort);
  }

  async contribute(account: string, vector: Float64Array): Promise<void> {
    if (!this.#open) throw new VelaturaError('federated/round-closed', 'the sum is closed');
    if (!this.#members.has(account)) {
      throw new VelaturaError('federated/invalid-contribution', 'the account is not in the cohort');
    }
    if (!this.#waiting.has(account)) {
      throw new VelaturaError('federated/duplicate-contribution', 'the account has contributed');
    }
    const { dimension, contributionBound } = this.parameters;
    if (vector.length !== dimension) {
      throw new VelaturaError(
        'federated/invalid-contribution',
        `a contribution expected ${dimension} coordinates, got ${vector.length}`,
        { expected: dimension, actual: vector.length },
      );
    }
    if (!vector.every((value) => Number.isInteger(value) && Math.abs(value) <= contributionBound)) {
      throw new VelaturaError(
        'federated/invalid-contribution',
        `a contribution expected integers of at most ${contributionBound}`,
        { contributionBound },
      );
    }
    this.#waiting.delete(account);
    for (let i = 0; i < dimension; i++) {
      this.#sum[i] = (this.#sum[i] as number) + (vector[i] as number);
    }
  }

  async close(): Promise<SumResult> {
    if (!this.#open) throw new VelaturaError('federated/round-closed', 'the sum is closed');
    this.#open = false;
    const survivors = this.#members.size - this.#waiting.size;
    const { minimumSurvivors } = this.parameters;
    if (survivors < minimumSurvivors) {
      throw new VelaturaError(
        'federated/cohort-too-small',
        `${survivors} accounts answered, the minimum is ${minimumSurvivors}`,
        { survivors, minimum: minimumSurvivors },
      );
    }
    return { sum: this.#sum, survivors };
  }
}
