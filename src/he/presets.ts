import { createHeParameters, createInsecureHeParameters, type HeParameters } from './parameters.ts';

/**
 * Named parameter sets.
 *
 * - `default`: N=2048 with one 28-bit prime, far above 128-bit security; scores carry a small noise.
 * - `fast`: N=1024 with one 27-bit prime, exactly on the 128-bit line; half the upload.
 * - `exact`: N=2048 with two 20-bit primes (and SEAL's unused special prime); no noise in the scores of
 *   usual catalogues, for 1.43 times the bytes.
 * - `insecureToy`: N=64; protects nobody, for tests.
 *
 * The plaintext moduli are ≡ 1 mod 2N and as large as leaves the noise below the quantisation error: the
 * noise relative to the largest score does not depend on t, but the profile is rounded finer.
 */
export const HE_PRESETS: {
  readonly default: HeParameters;
  readonly fast: HeParameters;
  readonly exact: HeParameters;
  readonly insecureToy: HeParameters;
} = Object.freeze({
  default: createHeParameters({
    polynomialDegree: 2048,
    dataPrimes: [268_369_921],
    plaintextModulus: 786_433,
  }),
  fast: createHeParameters({
    polynomialDegree: 1024,
    dataPrimes: [134_215_681],
    plaintextModulus: 786_433,
  }),
  exact: createHeParameters({
    polynomialDegree: 2048,
    dataPrimes: [1_032_193, 995_329],
    specialPrime: 12_289,
    plaintextModulus: 163_841,
  }),
  insecureToy: createInsecureHeParameters({
    polynomialDegree: 64,
    dataPrimes: [268_432_897],
    plaintextModulus: 786_433,
  }),
});

/** The preset with that id, or undefined. */
export function presetById(id: string): HeParameters | undefined {
  return Object.values(HE_PRESETS).find((preset) => preset.id === id);
}
