import { VelaturaError } from '../../core/errors.ts';
import { type RandomSource, uniformInteger } from '../../core/random-source.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import { samplePoisson } from '../../dp/noise/index.ts';

/** How the examples of a step are chosen. `batchSize` is public: the expected number, or the number itself. */
export type ExampleSampling =
  /** Each example enters on its own with probability batchSize / examples. */
  | { readonly kind: 'poisson'; readonly batchSize: number }
  /** Every set of so many examples is equally likely. */
  | { readonly kind: 'fixed-size'; readonly batchSize: number }
  /** All examples in every step. */
  | { readonly kind: 'full' };

/** Significant bits of the rate that is drawn with, so that its product with the number of examples is exact. */
const RATE_BITS = 26;
/** Most examples: their product with the rate is then an exact double. */
const MOST_EXAMPLES = 2 ** 26;

/**
 * The rate of the Poisson process that gives each example an expected number of marks: 26 significant bits,
 * and e^(−rate) ≥ 1 − samplingRate with room for the error of the logarithm.
 */
export function markRate(samplingRate: number): number {
  const least = -Math.log1p(-samplingRate) * (1 - 2 ** -48);
  const unit = 2 ** (Math.floor(Math.log2(least)) + 1 - RATE_BITS);
  return Math.floor(least / unit) * unit;
}

/**
 * Draws the examples of each step, exactly by the law that the plan states.
 *
 * ## Privacy
 * Poisson samples come from a Poisson number of uniform marks over all examples; an example is in when it
 * carries one. Marks of different examples are independent (splitting of a Poisson process), and the chance
 * of none is e^(−rate) ≥ 1 − samplingRate: no example is in with more than the stated rate, and no floating
 * point decides. Proof: `dp-sgd.proof.md`, section 1. The sample and its size are secret.
 */
export class ExampleSampler {
  /** Number of examples there are. */
  readonly examples: number;
  /** Number of examples as everybody may know it. */
  readonly population: number;
  readonly sampling: ExampleSampling;
  readonly #drawn: Uint32Array;
  readonly #lastStep: Uint32Array;
  #step = 0;

  /**
   * @param examples - number of examples, up to 2²⁶
   * @param population - the same as a public constant: rates and divisors are made of it, so that they stay
   * when an example comes or goes. Samples of fixed size are of all examples, whose number must be it.
   * @throws {VelaturaError} `dp/invalid-parameter`, `data/empty`
   */
  constructor(sampling: ExampleSampling, examples: number, population: number = examples) {
    if (!Number.isInteger(examples) || examples < 0 || examples > MOST_EXAMPLES) {
      throw invalid('examples', 'at most 2^26 rows', examples);
    }
    if (examples === 0) throw new VelaturaError('data/empty', 'there are no examples');
    if (!Number.isInteger(population) || population < 1) {
      throw invalid('population', 'a positive integer', population);
    }
    if (sampling.kind === 'fixed-size' && population !== examples) {
      throw invalid('population', `the number of examples, ${examples}`, population);
    }
    if (sampling.kind !== 'full') {
      const { kind, batchSize } = sampling;
      const whole = kind === 'fixed-size';
      if (!(batchSize > 0 && batchSize < population) || (whole && !Number.isInteger(batchSize))) {
        const what = whole ? 'an integer' : 'a number';
        throw invalid(
          'batchSize',
          `${what} above 0 and under the ${population} examples`,
          batchSize,
        );
      }
    }
    this.sampling = sampling;
    this.examples = examples;
    this.population = population;
    this.#drawn = Uint32Array.from({ length: examples }, (_, i) => i);
    this.#lastStep = new Uint32Array(sampling.kind === 'poisson' ? examples : 0);
  }

  /** Expected number of examples in a step: the public divisor of its sum. */
  get expectedSize(): number {
    return this.sampling.kind === 'full' ? this.population : this.sampling.batchSize;
  }

  /** Chance of one example to be in a step, for the plan; 1 without sampling. */
  get samplingRate(): number {
    return this.expectedSize / this.population;
  }

  /**
   * The examples of the next step, each once; a view that the next call overwrites, and nobody else may.
   *
   * @param random - must be a `SecureRandom` wherever people are to be protected
   */
  draw(random: RandomSource): Uint32Array {
    switch (this.sampling.kind) {
      case 'full':
        return this.#drawn;
      case 'fixed-size':
        return this.#shuffle(this.sampling.batchSize, random);
      case 'poisson':
        return this.#mark(markRate(this.samplingRate) * this.examples, random);
    }
  }

  #mark(expectedMarks: number, random: RandomSource): Uint32Array {
    const step = ++this.#step;
    let size = 0;
    for (let left = samplePoisson(expectedMarks, random); left > 0; left--) {
      const example = uniformInteger(random, this.examples);
      if (this.#lastStep[example] === step) continue;
      this.#lastStep[example] = step;
      this.#drawn[size++] = example;
    }
    return this.#drawn.subarray(0, size);
  }

  /** The first places of a Fisher–Yates shuffle; whatever order it starts from. */
  #shuffle(size: number, random: RandomSource): Uint32Array {
    const order = this.#drawn;
    for (let i = 0; i < size; i++) {
      const j = i + uniformInteger(random, order.length - i);
      const taken = order[j] as number;
      order[j] = order[i] as number;
      order[i] = taken;
    }
    return order.subarray(0, size);
  }
}
