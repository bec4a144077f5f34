import type { AccountantName } from '../accountant.ts';

/** The tightest accountant for Gaussian rounds: exact for everybody, a certified interval for samples. */
export function tightestAccountant(samplingRate: number): AccountantName {
  return samplingRate === 1 ? 'gdp' : 'pld';
}
