import type { RandomSource } from '../core/random-source.ts';
import { SecureRandom } from '../core/secure-random.ts';
import type { DpEvent } from './event.ts';

/** Whose data one unit of protection covers. */
export type PrivacyUnit = 'user' | 'example';

/** Which two data sets a guarantee compares. */
export type NeighbourRelation = 'add-or-remove-one-user' | 'replace-one-user' | 'zero-out-one-user';

export const PRIVACY_UNITS = ['user', 'example'] as const;
export const NEIGHBOUR_RELATIONS = [
  'add-or-remove-one-user',
  'replace-one-user',
  'zero-out-one-user',
] as const;

/** A cost and the terms under which it was counted. Plain JSON. */
export interface Plan {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly event: DpEvent;
}

/** How far a released value may be from the true one, because of the noise alone. */
export interface ReleaseError {
  /** Standard deviation of the noise on each coordinate, in units of the value. */
  readonly noiseStddev: number;
  /** Half width of a two-sided confidence interval on one coordinate, in units of the value. */
  readonly halfWidth: number;
  /** Confidence of that interval, in (0, 1). */
  readonly confidence: number;
}

/** A value that left protection, with what it cost and how wrong it may be. */
export interface Release<T> {
  readonly value: T;
  readonly plan: Plan;
  readonly error: ReleaseError;
  /** True when the noise came from anything but `SecureRandom`: no real budget accepts such a release. */
  readonly insecure: boolean;
}

/** True unless the noise comes from the platform's cryptographic generator. */
export function isInsecure(random: RandomSource): boolean {
  return !(random instanceof SecureRandom);
}
