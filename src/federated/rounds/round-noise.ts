import type { RandomSource } from '../../core/random-source.ts';
import type { Plan } from '../../dp/plan.ts';
import type { RoundJournal } from './round-journal.ts';

/** Noise of successive rounds that depends on earlier noise; on the lattice of the encoder. */
export interface RoundNoise {
  /** Deviation of one coordinate of the next noise, in lattice units. */
  readonly noiseStddev: number;
  /** Draws the noise of the next round, exact integers. `[encodedDimension]` */
  fill(target: Float64Array, random: RandomSource): void;
}

/** Noise and charge of a run whose rounds are paid for together. */
export interface SharedCharge {
  /** What the whole run costs each account of this round, whatever the round. */
  readonly plan: Plan;
  /**
   * Key of that one charge, the same in every round of these accounts. The budget refuses the key with other
   * accounts, so nobody can take part in a round without having paid for the run.
   */
  readonly idempotencyKey: string;
  readonly noise: RoundNoise;
  /** Knows which rounds have begun: no charge of their own tells. */
  readonly journal: RoundJournal;
}
