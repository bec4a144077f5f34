import type { Trainable } from '../models/trainable.ts';
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
   * Brings the followers to their first barrier, and makes sure that each of them computes what the leader does:
   * which of them takes a chunk is a matter of time, and a chunk that does not change between neighbouring data
   * sets must have the same sum in both.
   *
   * @param memory - `values` hold the clipping norm of the first step already
   * @param model - the leader's, to hold the followers' against, as by `probeModel`
   * @returns the leader's barrier
   * @throws TypeError when a follower's model computes something else
   */
  start(settings: RunSettings, memory: RunMemory, model: Trainable): Promise<Barrier>;
}

/** The calling thread alone. */
export const SINGLE_MEMBER: StepCrew = {
  members: 1,
  allocate: null,
  start: async () => NO_BARRIER,
};
