import type { Kernels } from '../../core/kernels/kernels.ts';

/** What the last layer's numbers (logits) mean: the loss that trains them and the predictions they become. */
export interface OutputLoss {
  /**
   * Returns scale · Σ of the loss; the logits become its gradient, scaled too. The part of each row depends on
   * that row alone.
   *
   * @param logits - `[rows, outputDimension]`
   * @param labels - `[rows, outputDimension]`
   */
  errors(kernels: Kernels, logits: Float32Array, labels: Float32Array, scale: number): number;
  /** The logits become predictions. */
  predict(kernels: Kernels, logits: Float32Array): void;
}

/** Least and largest value of a target: public constants, chosen without looking at data. */
export interface TargetBounds {
  readonly lower: number;
  readonly upper: number;
}

/** How a model with layers is trained. */
export interface LossOptions {
  /**
   * `sigmoid`: independent tags, labels in [0, 1]. `softmax`: one of several classes, labels their weights.
   * `regression`: numbers between public bounds (see `RegressionModel`).
   */
  readonly loss: 'sigmoid' | 'softmax' | 'regression';
  readonly outputDimension: number;
  /** For `softmax`: classes of each tag, a divisor of the outputs; all outputs are one tag if left out. */
  readonly classes?: number;
  /** For `regression`: of all targets; 0 and 1 if left out. */
  readonly bounds?: TargetBounds;
}

/** @throws RangeError when the classes do not divide the outputs, or the bounds are none */
export function outputLoss(options: LossOptions): OutputLoss {
  switch (options.loss) {
    case 'sigmoid':
      return SIGMOID_LOSS;
    case 'softmax': {
      const { outputDimension, classes = outputDimension } = options;
      if (!(classes >= 1 && outputDimension % classes === 0)) {
        throw new RangeError(`"classes" expected a divisor of ${outputDimension}, got ${classes}`);
      }
      return softmaxLoss(classes);
    }
    case 'regression':
      return regressionLoss(options.bounds ?? { lower: 0, upper: 1 });
  }
}

/** Independent tags: labels 0 or 1 (or a share between), predictions probabilities, cross-entropy. */
export const SIGMOID_LOSS: OutputLoss = {
  errors: (kernels, logits, labels, scale) => kernels.sigmoidCrossEntropy(logits, labels, scale),
  predict: (kernels, logits) => kernels.sigmoid(logits),
};

/**
 * One of several classes: labels are weights ≥ 0 of the classes (one 1 among zeros for a known class; all zeros
 * where it is unknown, which trains nothing), predictions their probabilities, cross-entropy.
 *
 * @param classes - numbers in a group; outputs of several tags follow each other, each a group
 */
export function softmaxLoss(classes: number): OutputLoss {
  return {
    errors(kernels, logits, labels, scale) {
      const shape = { rows: logits.length / classes, columns: classes };
      return kernels.softmaxCrossEntropy(shape, logits, labels, scale);
    },
    predict(_kernels, logits) {
      for (let from = 0; from < logits.length; from += classes) {
        softmax(logits.subarray(from, from + classes));
      }
    },
  };
}

function softmax(logits: Float32Array): void {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  let total = 0;
  for (let i = 0; i < logits.length; i++) {
    const e = Math.exp((logits[i] as number) - largest);
    logits[i] = e;
    total += e;
  }
  for (let i = 0; i < logits.length; i++) logits[i] = (logits[i] as number) / total;
}

/**
 * A number between public bounds: targets are clipped to them and scaled to t in [0, 1], the prediction is
 * lower + (upper − lower) · σ(z), the loss the cross-entropy of t and σ(z). Its gradient σ(z) − t never passes 1,
 * it is convex in z, and it is least where the prediction is the mean of the targets, as with squared errors
 * (fractional logit: Papke and Wooldridge 1996).
 *
 * @throws RangeError when the bounds are not finite numbers with lower < upper
 */
export function regressionLoss({ lower, upper }: TargetBounds): OutputLoss {
  const span = upper - lower;
  if (!(span > 0 && Number.isFinite(span))) {
    throw new RangeError(`"bounds" expected lower < upper, got ${lower} and ${upper}`);
  }
  let scaled = new Float32Array(0);
  return {
    errors(kernels, logits, labels, scale) {
      if (scaled.length !== labels.length) scaled = new Float32Array(labels.length);
      for (let i = 0; i < labels.length; i++) {
        scaled[i] = Math.min(1, Math.max(0, ((labels[i] as number) - lower) / span));
      }
      return kernels.sigmoidCrossEntropy(logits, scaled, scale);
    },
    predict(kernels, logits) {
      kernels.sigmoid(logits);
      for (let i = 0; i < logits.length; i++) logits[i] = lower + span * (logits[i] as number);
    },
  };
}
