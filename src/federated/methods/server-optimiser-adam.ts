import type { ServerOptimiser } from './server-optimiser.ts';

/** Constants of {@link fedAdam}, public. */
export interface FedAdamOptions {
  /** Memory of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Memory of the second moment, in [0, 1). Default 0.99. */
  readonly beta2?: number;
  /**
   * τ, the floor under the square root, in units of an update: where signals are far below it the steps
   * are plain ones. Positive.
   */
  readonly adaptivity: number;
}

/**
 * FedAdam: m ← β₁m + (1−β₁)u, v ← β₂v + (1−β₂)u², parameters += learningRate · m̂/(√v̂ + τ), with both moments
 * corrected for their start at zero. The variance of the privacy noise is known and taken out of v̂; it
 * would otherwise drown the signal there, and the steps would all be of one size.
 *
 * Not linear in the updates: the noise of the parameters has no closed form.
 *
 * Source: Reddi et al. (2021), arXiv 2003.00295, algorithm 2; the noise taken out of v̂ as in Tang,
 * Shpilevskiy & Lécuyer (2024), arXiv 2312.14334.
 *
 * @throws {RangeError} for constants out of range
 */
export function fedAdam(options: FedAdamOptions): ServerOptimiser {
  const { beta1 = 0.9, beta2 = 0.99, adaptivity } = options;
  for (const [name, value] of Object.entries({ beta1, beta2 })) {
    if (!(value >= 0 && value < 1)) {
      throw new RangeError(`"${name}" expected a number in [0, 1), got ${value}`);
    }
  }
  if (!(adaptivity > 0) || !Number.isFinite(adaptivity)) {
    throw new RangeError(`"adaptivity" expected a positive number, got ${adaptivity}`);
  }
  return {
    name: `FedAdam ${beta1} ${beta2} ${adaptivity}`,
    slots: 2,
    linear: false,
    step(parameters, { update, learningRate, noiseStddev }, state) {
      const [first, second] = state.slots as [Float64Array, Float64Array];
      state.rounds++;
      const firstWeight = 1 - beta1 ** state.rounds;
      const secondWeight = 1 - beta2 ** state.rounds;
      for (let i = 0; i < parameters.length; i++) {
        const u = update[i] as number;
        const m = beta1 * (first[i] as number) + (1 - beta1) * u;
        const v = beta2 * (second[i] as number) + (1 - beta2) * u * u;
        first[i] = m;
        second[i] = v;
        const signal = Math.max(0, v / secondWeight - noiseStddev * noiseStddev);
        parameters[i] =
          (parameters[i] as number) +
          (learningRate * (m / firstWeight)) / (Math.sqrt(signal) + adaptivity);
      }
    },
  };
}
