import { type Barrier, NO_BARRIER } from './barrier.ts';
import type { Allocate, RunMemory, RunSettings } from './run-memory.ts';

/**
 * Those who work together on the steps of a run. The calling thread always leads; a crew brings followers, who
 * run `StepMember.follow` on the same memory until they are told to stop.
 */
export interface StepCrew {
  /** Members, the leader among them. */
  readonly members: number;
  /** Where shared arrays lie; null where nobody shares. */
  readonly allocate: Allocate | null;
  /**
   * Brings the followers to their first barrier.
   *
   * @returns the leader's barrier
   */
  start(settings: RunSettings, memory: RunMemory): Promise<Barrier>;
}

/** The calling thread alone. */
export const SINGLE_MEMBER: StepCrew = {
  members: 1,
  allocate: null,
  start: async () => NO_BARRIER,
};
