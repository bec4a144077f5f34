import type { DifferentiableScore } from './explanation-gradients.ts';
import { checkNumbers } from './explanation-parts.ts';

/** A perceptron as it was released. */
export interface PerceptronForm {
  readonly inputDimension: number;
  /** Width of each hidden layer, the one next to the inputs first. */
  readonly hidden: readonly number[];
  readonly outputDimension: number;
  /** After each hidden layer. */
  readonly activation: 'relu' | 'tanh';
  /** Layers one after the other, each its weights `[outputs, inputs]`, row-major, then its biases `[outputs]`. */
  readonly parameters: ArrayLike<number>;
}

/** One layer: weights from `start`, biases from `biasStart`. */
interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly start: number;
  readonly biasStart: number;
}

/**
 * The logit of one output of a perceptron of any depth, with the parameters of a `MultilayerPerceptron`, for
 * `explainByGradients`.
 *
 * @param output - number of the tag among the outputs
 * @throws RangeError when a width is no positive integer, the parameters do not fit or are not finite, or
 * there is no such output
 */
export function perceptronScore(form: PerceptronForm, output: number): DifferentiableScore {
  const layers = layersOf(form);
  const last = layers.at(-1) as Layer;
  const count = last.biasStart + last.outputs;
  checkNumbers('parameters', form.parameters, count, Number.NEGATIVE_INFINITY);
  if (!Number.isInteger(output) || output < 0 || output >= last.outputs) {
    throw new RangeError(`"output" expected an integer in [0, ${last.outputs}), got ${output}`);
  }
  return new PerceptronScore(layers, form.activation, Float64Array.from(form.parameters), output);
}

class PerceptronScore implements DifferentiableScore {
  readonly features: number;
  readonly parameters: number;
  readonly #layers: readonly Layer[];
  readonly #activation: PerceptronForm['activation'];
  readonly #weights: Float64Array;
  readonly #output: number;

  constructor(
    layers: readonly Layer[],
    activation: PerceptronForm['activation'],
    weights: Float64Array,
    output: number,
  ) {
    this.features = (layers[0] as Layer).inputs;
    this.parameters = weights.length;
    this.#layers = layers;
    this.#activation = activation;
    this.#weights = weights;
    this.#output = output;
  }

  logit(features: ArrayLike<number>): number {
    return (this.#forward(features).at(-1) as Float64Array)[this.#output] as number;
  }

  gradient(features: ArrayLike<number>): Float64Array {
    return this.#backward(this.#forward(features), null);
  }

  parameterGradient(features: ArrayLike<number>): Float64Array {
    const gradient = new Float64Array(this.parameters);
    this.#backward(this.#forward(features), gradient);
    return gradient;
  }

  moved(step: Float64Array): DifferentiableScore {
    checkNumbers('step', step, this.parameters, Number.NEGATIVE_INFINITY);
    const weights = this.#weights.map((weight, i) => weight + (step[i] as number));
    return new PerceptronScore(this.#layers, this.#activation, weights, this.#output);
  }

  /** The features, then what leaves each layer. */
  #forward(features: ArrayLike<number>): readonly Float64Array[] {
    checkNumbers('features', features, this.features, Number.NEGATIVE_INFINITY);
    const values = [Float64Array.from(features)];
    this.#layers.forEach(({ inputs, outputs, start, biasStart }, depth) => {
      const from = values[depth] as Float64Array;
      const to = this.#weights.slice(biasStart, biasStart + outputs);
      for (let row = 0; row < outputs; row++) {
        for (let column = 0; column < inputs; column++) {
          (to[row] as number) +=
            (this.#weights[start + row * inputs + column] as number) * (from[column] as number);
        }
      }
      const hidden = depth < this.#layers.length - 1;
      values.push(hidden ? to.map((sum) => this.#activate(sum)) : to);
    });
    return values;
  }

  /** Derivatives of the logit by the features; those by the parameters go to `out`. */
  #backward(values: readonly Float64Array[], out: Float64Array | null): Float64Array {
    let errors = new Float64Array((this.#layers.at(-1) as Layer).outputs);
    errors[this.#output] = 1;
    for (let depth = this.#layers.length - 1; depth >= 0; depth--) {
      const { inputs, outputs, start, biasStart } = this.#layers[depth] as Layer;
      const from = values[depth] as Float64Array;
      const below = new Float64Array(inputs);
      for (let row = 0; row < outputs; row++) {
        const error = errors[row] as number;
        for (let column = 0; column < inputs; column++) {
          const at = start + row * inputs + column;
          (below[column] as number) += error * (this.#weights[at] as number);
          if (out !== null) out[at] = error * (from[column] as number);
        }
        if (out !== null) out[biasStart + row] = error;
      }
      errors =
        depth === 0 ? below : below.map((error, i) => error * this.#slope(from[i] as number));
    }
    return errors;
  }

  #activate(sum: number): number {
    return this.#activation === 'relu' ? Math.max(0, sum) : Math.tanh(sum);
  }

  /** Derivative of the activation, from what it gave. */
  #slope(activated: number): number {
    if (this.#activation === 'relu') return activated > 0 ? 1 : 0;
    return 1 - activated * activated;
  }
}

function layersOf({ inputDimension, hidden, outputDimension }: PerceptronForm): readonly Layer[] {
  const widths = [inputDimension, ...hidden, outputDimension];
  for (const width of widths) {
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`"hidden" and dimensions expected integers of at least 1, got ${width}`);
    }
  }
  let start = 0;
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i] as number;
    const biasStart = start + inputs * outputs;
    const layer = { inputs, outputs, start, biasStart };
    start = biasStart + outputs;
    return layer;
  });
}
