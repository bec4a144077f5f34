import type { Batch, Trainable } from '../models/trainable.ts';

/**
 * Puts the constant feature inside the norm bound: x = [beta, phi] / √(1 + beta²), so that ‖x‖ ≤ 1 whenever
 * ‖phi‖ ≤ 1. A larger beta gives the intercept more of the norm (right for small, noisy data).
 *
 * @param phi - `[rows, width]`, each row of norm at most 1
 * @returns `[rows, width + 1]`, constant first
 */
export function withConstant(phi: Float32Array, width: number, beta: number): Float32Array {
  const rows = phi.length / width;
  const scale = 1 / Math.sqrt(1 + beta * beta);
  const design = new Float32Array(rows * (width + 1));
  for (let row = 0; row < rows; row++) {
    design[row * (width + 1)] = beta * scale;
    for (let i = 0; i < width; i++) {
      design[row * (width + 1) + 1 + i] = (phi[row * width + i] as number) * scale;
    }
  }
  return design;
}

/** Value of the constant feature that {@link withConstant} adds. */
export function constantFeature(beta: number): number {
  return beta / Math.sqrt(1 + beta * beta);
}

/** Public facts about a tag task, chosen without looking at data. */
export interface TagTaskPrior {
  /** Weight of the constant feature against the others; see {@link withConstant}. */
  readonly beta: number;
  /** Guess of how common a tag is, in (0, 1). */
  readonly labelDensity: number;
  /**
   * Where features and labels are the same tags: how strongly one's own past taste continues, in logit
   * units a unit of feature. 0 for unrelated features.
   */
  readonly persistence: number;
}

/**
 * Start of a logistic tag model from public facts: every tag as likely as the guess, plus the persistence
 * prior. Only the residual is left to learn, which is what noise can spoil.
 *
 * @param model - features begin with [constant, tag 1 … tag K] when persistence is not 0
 */
export function priorParameters(model: Trainable, prior: TagTaskPrior): Float32Array {
  const { inputDimension: width, outputDimension: tags } = model;
  if (prior.persistence !== 0 && width < tags + 1) {
    throw new RangeError(
      `"persistence" expected at least ${tags + 1} features for ${tags} tags, got ${width}`,
    );
  }
  const parameters = model.initialParameters();
  const logit = Math.log(prior.labelDensity / (1 - prior.labelDensity));
  for (let tag = 0; tag < tags; tag++) {
    parameters[tag * width] = logit / constantFeature(prior.beta);
    if (prior.persistence !== 0) parameters[tag * width + 1 + tag] = prior.persistence;
  }
  return parameters;
}

/** The rows of one user of a table. */
export function rowBatch(
  features: Float32Array,
  labels: Float32Array,
  row: number,
  width: number,
  tags: number,
): Batch {
  return {
    rows: 1,
    features: features.slice(row * width, (row + 1) * width),
    labels: labels.slice(row * tags, (row + 1) * tags),
  };
}
