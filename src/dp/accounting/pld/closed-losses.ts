import type { ContourPart, Cumulants, TiltedPart } from './contour-part.ts';
import { type TiltedNodes, tiltedNodes, transformOf } from './tilted-nodes.ts';

/** Gaussians without sampling, all of them together: the loss is N(±µ²/2, µ²) whatever their number. */
export class GaussianLoss implements ContourPart {
  readonly count = 1;
  readonly #square: number;

  /** @param square - µ² = Σ 1/noiseMultiplier² */
  constructor(square: number) {
    this.#square = square;
  }

  cumulants(s: number): Cumulants {
    const square = this.#square;
    return { logMoment: 0.5 * square * s * (s + 1), mean: square * (s + 0.5), variance: square };
  }

  tilt(s: number): TiltedPart {
    const square = this.#square;
    const at = (t: number): number => Math.exp(-0.5 * square * t * t);
    return {
      ...this.cumulants(s),
      error: 4 * Number.EPSILON * (1 + square * s * (s + 1)),
      transform: (step, count) => {
        const real = new Float64Array(count);
        const error = new Float64Array(count);
        for (let k = 0; k < count; k++) {
          const t = k * step;
          real[k] = at(t);
          error[k] = 4 * Number.EPSILON * (1 + square * t * t) * at(t);
        }
        return { real, imaginary: new Float64Array(count), error };
      },
      staysUnder: (from, bound) => at(from) * (1 + 1e-9) <= bound,
    };
  }
}

/** Losses that take finitely many values, or that were cut where their mass is under e^(−70). */
export class AtomicLoss implements ContourPart {
  readonly count: number;
  readonly #losses: Float64Array;
  readonly #logMasses: Float64Array;

  /** @param logMasses - logarithms of the masses under the law in front */
  constructor(losses: Float64Array, logMasses: Float64Array, count: number) {
    this.#losses = losses;
    this.#logMasses = logMasses;
    this.count = count;
  }

  cumulants(s: number): Cumulants {
    return this.#nodes(s);
  }

  tilt(s: number): TiltedPart {
    const nodes = this.#nodes(s);
    return {
      ...nodes,
      transform: (step, count) => transformOf(nodes, step, count),
      // Atoms on a lattice come into step again and again: nothing better holds for all t.
      staysUnder: (_, bound) => bound >= 1,
    };
  }

  #nodes(s: number): TiltedNodes {
    const losses = this.#losses;
    const logWeights = losses.map((loss, j) => s * loss + (this.#logMasses[j] as number));
    return tiltedNodes(
      {
        losses,
        logWeights,
        lossRoundings: losses.map((loss) => 4 * Math.abs(loss)),
        weightRoundings: losses.map(
          (loss, j) => 8 * (1 + Math.abs(s * loss) + Math.abs(this.#logMasses[j] as number)),
        ),
      },
      1e-18,
    );
  }
}
