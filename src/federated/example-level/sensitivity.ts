import { ballSensitivity } from '../../dp/mechanisms/relation-sensitivity.ts';
import type { NeighbourRelation } from '../../dp/plan.ts';
import { clipBound, clippedSumError, type GradientClip } from '../models/gradient-clip.ts';
import type { ExampleSampling } from './example-sampler.ts';

/** Lattice steps that stand for the clipping norm: so many that rounding a sum costs next to nothing. */
export const LATTICE_NORM: number = 2 ** 20;

/** What rounding to the lattice in float64 adds to half a step a coordinate, relative. */
const ROUNDING_SLACK = 2 ** -18;

/** What the sensitivity of a step depends on; all public. */
export interface StepShape {
  readonly sampling: ExampleSampling['kind'];
  /** Number of parameters. */
  readonly parameterCount: number;
  /** Most examples in a chunk. */
  readonly capacity: number;
  /** The clip, or the smallest of those that there can be: relative errors only fall as it grows. */
  readonly clip: GradientClip;
}

/**
 * l2 sensitivity of the integer sum of one step, in lattice steps, of which {@link LATTICE_NORM} are the clip
 * as a whole: the clip, the float error of the chunks that may change, and what rounding them to the lattice
 * adds. Rounded up.
 *
 * ## Privacy
 * Proof: `dp-sgd.proof.md`, section 3.
 *
 * @param relation - an example that comes or goes moves the sum by its gradient, and may split its chunk in two.
 * One that is replaced keeps its chunk and moves the sum by two gradients; in a Poisson sample it counts as one
 * that goes and one that comes, for there the price takes each of them to be within half of what moves
 */
export function stepSensitivity(relation: NeighbourRelation, shape: StepShape): number {
  const { sampling, parameterCount, capacity, clip } = shape;
  if (sampling === 'poisson' && relation === 'replace-one-user') {
    return 2 * stepSensitivity('add-or-remove-one-user', shape);
  }
  const stepsPerUnit = LATTICE_NORM / clipBound(clip);
  const error = (rows: number): number => clippedSumError(shape, rows, clip) * stepsPerUnit;
  const rounding = (Math.sqrt(parameterCount) / 2) * (1 + ROUNDING_SLACK);
  const replaced = relation === 'replace-one-user';
  const errors = replaced ? 2 * error(capacity) : 2 * error(capacity) + error(1);
  const roundings = replaced ? 2 : 3;
  const bound = ballSensitivity(relation, LATTICE_NORM) + errors + roundings * rounding;
  return bound * (1 + 2 ** -36);
}
