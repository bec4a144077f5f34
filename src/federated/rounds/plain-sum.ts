import { VelaturaError } from '../../core/errors.ts';
import type { SecureSum, SumParameters, SumResult, SumSession } from './secure-sum.ts';
import { centredResidue, checkContribution, checkSumParameters } from './sum-checks.ts';

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
  readonly disclosure = 0;

  async open(parameters: SumParameters): Promise<SumSession> {
    checkSumParameters(parameters);
    return new PlainSumSession(parameters);
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
    checkContribution(vector, this.parameters);
    this.#waiting.delete(account);
    for (let i = 0; i < vector.length; i++) {
      this.#sum[i] = (this.#sum[i] as number) + (vector[i] as number);
    }
    // Where contributions have a bound the sum cannot wrap.
    if (this.parameters.contributionBound === null) {
      this.#sum.forEach((sum, i, all) => {
        all[i] = centredResidue(sum, 2 ** this.parameters.modulusBits);
      });
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
