import { VelaturaError } from '../../core/errors.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';

/** One linear score a tag over shared features. */
export interface TagScorer {
  /** `logistic`: score is a logit. `linear`: score is an estimate of the probability itself. */
  readonly kind: 'logistic' | 'linear';
  readonly tags: readonly string[];
  readonly features: readonly string[];
  /** `[tags, features]`, row-major. */
  readonly weights: Float32Array;
  /** Constant added to the score of each tag. `[tags]` */
  readonly offsets: Float32Array;
}

/** A trained tag model with the statement of what it cost. Plain JSON apart from the weights. */
export interface TagModel extends TagScorer {
  /** Deviation that the privacy noise alone gives one weight; 0 without noise. */
  readonly weightNoiseStddev: number;
  readonly statement: PrivacyStatement;
}

/**
 * Scores of one or many users.
 *
 * @param features - `[users, features]`
 * @returns `[users, tags]`: logits or probabilities, by the kind of the model; for ranking either serves
 * @throws {VelaturaError} `federated/invalid-contribution` when the shape differs
 */
export function scoreTags(model: TagScorer, features: Float32Array): Float32Array {
  const width = model.features.length;
  if (features.length % width !== 0) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `features expected a multiple of ${width} numbers, got ${features.length}`,
      { expected: width, actual: features.length },
    );
  }
  const users = features.length / width;
  const tags = model.tags.length;
  const scores = new Float32Array(users * tags);
  for (let user = 0; user < users; user++) {
    for (let tag = 0; tag < tags; tag++) {
      let score = model.offsets[tag] as number;
      for (let i = 0; i < width; i++) {
        score +=
          (model.weights[tag * width + i] as number) * (features[user * width + i] as number);
      }
      scores[user * tags + tag] = score;
    }
  }
  return scores;
}

/** The same as probabilities in [0, 1]. `[users, tags]` */
export function predictTags(model: TagScorer, features: Float32Array): Float32Array {
  return scoreTags(model, features).map((score) =>
    model.kind === 'logistic' ? 1 / (1 + Math.exp(-score)) : Math.min(1, Math.max(0, score)),
  );
}
