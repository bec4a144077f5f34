import type { ContourPart, Cumulants, TiltedPart } from './contour-part.ts';
import type { Atoms } from './law.ts';
import { type TiltedNodes, tiltedNodes, transformOf } from './tilted-nodes.ts';

/** Gaussians without sampling, all of them together: the loss is N(±µ²/2, µ²) whatever their number. */
export class GaussianLoss implements ContourPart {
  readonly count = 1;
  readonly leftOut = 0;
  readonly #square: number;

  /** @param square - µ² = Σ 1/noiseMultiplier² */
  constructor(square: number) {
    this.#square = square;
  }

  cumulants(s: number): Cumulants {
    const square = this.#square;
    const logMoment = 0.5 * square * s * (s + 1);
    return {
      logMoment,
      logMomentError: 8 * Number.EPSILON * logMoment,
      mean: square * (s + 0.5),
      variance: square,
    };
  }

  size(): number {
    return 1;
  }

  tilt(s: number): TiltedPart {
    const square = this.#square;
    const logMinus = (t: number): number => -0.5 * square * t * t;
    return {
      ...this.cumulants(s),
      transform: (step, count) => {
        const logModulus = Float64Array.from({ length: count }, (_, k) => logMinus(k * step));
        const error = logModulus.map((log) => -4 * Number.EPSILON * log);
        return { logModulus, angle: new Float64Array(count), error };
      },
      decay: (_, logModulus) => logModulus,
      staysUnder: (from, bound) => Math.exp(logMinus(from)) <= bound * (1 + 1e-9),
    };
  }
}

/** Losses that take finitely many values. */
export class AtomicLoss implements ContourPart {
  readonly count: number;
  readonly leftOut: number;
  readonly #losses: Float64Array;
  readonly #logMasses: Float64Array;

  constructor(atoms: Atoms, count: number) {
    const present = (_: number, i: number): boolean => (atoms.p[i] as number) > 0;
    this.#losses = atoms.losses.filter(present);
    this.#logMasses = atoms.p.filter(present).map((mass) => Math.log(mass));
    this.leftOut = atoms.leftOut;
    this.count = count;
  }

  cumulants(s: number): Cumulants {
    return this.#nodes(s);
  }

  size(): number {
    return this.#losses.length;
  }

  tilt(s: number): TiltedPart {
    const nodes = this.#nodes(s);
    return {
      ...nodes,
      transform: (step, count) => transformOf(nodes, step, count),
      decay: () => 0,
      staysUnder: () => false,
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
