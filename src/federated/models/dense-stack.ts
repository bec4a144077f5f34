import type { Kernels } from '../../core/kernels/kernels.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import { type DenseScratch, sharedScratch } from './dense-scratch.ts';
import { fillInitialWeights } from './initial-weights.ts';
import type { Block, LabelledBlock, LayeredPass } from './layered-pass.ts';
import { checkDimension } from './model-checks.ts';
import type { OutputLoss } from './output-loss.ts';
import type { LayerNorms, RowClipping } from './row-clipping.ts';
import type { LayerRange } from './trainable.ts';

/** What follows each hidden layer. */
export type Activation = 'relu' | 'tanh';

/** The form of a {@link DenseStack}. */
export interface DenseStackOptions {
  readonly kernels: Kernels;
  readonly inputDimension: number;
  /** Numbers that leave each layer, the outputs last. */
  readonly widths: readonly number[];
  readonly activation: Activation;
  /** Whether each layer adds one number per output. */
  readonly bias: boolean;
  readonly loss: OutputLoss;
  /** Whether errors of the inputs are wanted too. */
  readonly inputErrors: boolean;
  /** Where the parameters of the stack begin in those of the model. */
  readonly start: number;
  /** Of the initial weights; all zeros if null. */
  readonly seed: string | number | null;
}

/** One layer: weights `[outputs, inputs]`, row-major, from `start`, then its biases up to `end`. */
export interface DenseLayer extends LayerRange {
  readonly inputs: number;
  readonly outputs: number;
  readonly biasStart: number;
}

/** A chain of dense layers with an activation between them. Biases start at zero. */
export class DenseStack implements LayeredPass {
  readonly layers: readonly DenseLayer[];
  readonly #options: DenseStackOptions;
  readonly #kernels: Kernels;
  readonly #scratch: DenseScratch;
  #buffers: Buffers | undefined;

  /** @throws RangeError when a dimension is not an integer in [1, 2²⁰] */
  constructor(options: DenseStackOptions) {
    checkDimension('inputDimension', options.inputDimension);
    options.widths.forEach((width, i) => {
      checkDimension(i === options.widths.length - 1 ? 'outputDimension' : 'hidden', width);
    });
    this.#options = options;
    this.#kernels = options.kernels;
    this.#scratch = sharedScratch(options.kernels);
    let inputs = options.inputDimension;
    let start = options.start;
    const last = options.widths.length - 1;
    this.layers = options.widths.map((outputs, i) => {
      const biasStart = start + inputs * outputs;
      const end = options.bias ? biasStart + outputs : biasStart;
      const layer = {
        ...{ name: i === last ? 'output' : `hidden${i + 1}`, start, end },
        ...{ inputs, outputs, biasStart },
      };
      inputs = outputs;
      start = end;
      return layer;
    });
  }

  /** Memory for features of that many rows that somebody else makes. */
  inputs(rows: number): Float32Array {
    return this.#open(rows).inputs;
  }

  /** Errors of the features after `errors`. `[rows, inputDimension]` */
  inputErrors(rows: number): Float32Array {
    return this.#open(rows).inputErrors;
  }

  initialise(parameters: Float32Array): void {
    const { seed, activation } = this.#options;
    if (seed === null) return;
    const random = new SeededRandom(seed);
    this.layers.forEach(({ inputs, start, biasStart }, i) => {
      const gain = activation === 'relu' && i < this.layers.length - 1 ? 2 : 1;
      fillInitialWeights(parameters.subarray(start, biasStart), inputs, gain, random);
    });
  }

  predict(parameters: Float32Array, block: Block, out: Float32Array): void {
    this.#forward(parameters, block, out);
    this.#options.loss.predict(this.#kernels, out);
  }

  loss(parameters: Float32Array, block: LabelledBlock, scale: number): number {
    const logits = this.#open(block.rows).errors.at(-1) as Float32Array;
    this.#forward(parameters, block, logits);
    return this.#options.loss.errors(this.#kernels, logits, block.labels, scale);
  }

  errors(parameters: Float32Array, block: LabelledBlock, scale: number): number {
    const loss = this.loss(parameters, block, scale);
    const { activations, errors, inputErrors } = this.#open(block.rows);
    for (let i = this.layers.length - 1; i >= 0; i--) {
      if (i === 0 && !this.#options.inputErrors) break;
      const layer = this.layers[i] as DenseLayer;
      const below = i === 0 ? inputErrors : (errors[i - 1] as Float32Array);
      this.#kernels.gemmNN(
        { rows: block.rows, columns: layer.inputs, inner: layer.outputs },
        errors[i] as Float32Array,
        parameters.subarray(layer.start, layer.biasStart),
        below,
        'zero',
      );
      if (i > 0) this.#backward(activations[i - 1] as Float32Array, below);
    }
    return loss;
  }

  norms({ rows, features }: Block): readonly LayerNorms[] {
    const { activations, errors, norms } = this.#open(rows);
    this.layers.forEach(({ inputs, outputs }, i) => {
      const { activation, error } = norms[i] as LayerNorms;
      const from = activations[i - 1] ?? features;
      this.#kernels.rowSquaredNorms({ rows, columns: inputs }, from, activation);
      const made = errors[i] as Float32Array;
      this.#kernels.rowSquaredNorms({ rows, columns: outputs }, made, error);
      // The input of the biases is 1.
      if (!this.#options.bias) return;
      for (let row = 0; row < rows; row++) activation[row] = (activation[row] as number) + 1;
    });
    return norms;
  }

  scale({ rows }: Block, { scales, leftOut }: RowClipping): void {
    const { activations, errors } = this.#open(rows);
    this.layers.forEach(({ outputs }, i) => {
      const error = errors[i] as Float32Array;
      clearRows(error, outputs, leftOut);
      const activation = activations[i];
      if (activation !== undefined) clearRows(activation, outputs, leftOut);
      const shape = { rows, columns: outputs };
      this.#kernels.scaleRows(shape, error, scales[i] as Float32Array);
    });
  }

  accumulate({ rows, features }: Block, out: Float32Array, start: 'zero' | 'out'): void {
    const { activations, errors, ones } = this.#open(rows);
    ones.fill(1);
    this.layers.forEach((layer, i) => {
      const error = errors[i] as Float32Array;
      this.#kernels.gemmTN(
        { rows: layer.outputs, columns: layer.inputs, inner: rows },
        error,
        activations[i - 1] ?? features,
        out.subarray(layer.start, layer.biasStart),
        start,
      );
      if (!this.#options.bias) return;
      const biases = out.subarray(layer.biasStart, layer.end);
      if (start === 'zero') biases.fill(0);
      this.#kernels.accumulateRows({ rows, columns: layer.outputs }, error, ones, biases);
    });
  }

  #forward(parameters: Float32Array, { rows, features }: Block, logits: Float32Array): void {
    const { activations } = this.#open(rows);
    let from = features;
    this.layers.forEach((layer, i) => {
      const to = activations[i] ?? logits;
      this.#kernels.gemmNT(
        { rows, columns: layer.outputs, inner: layer.inputs },
        from,
        parameters.subarray(layer.start, layer.biasStart),
        to,
        this.#options.bias ? parameters.subarray(layer.biasStart, layer.end) : 'zero',
      );
      if (to === logits) return;
      if (this.#options.activation === 'relu') this.#kernels.relu(to);
      else this.#kernels.tanh(to);
      from = to;
    });
  }

  #backward(activations: Float32Array, errors: Float32Array): void {
    if (this.#options.activation === 'relu') this.#kernels.reluBackward(activations, errors);
    else this.#kernels.tanhBackward(activations, errors);
  }

  #open(rows: number): Buffers {
    const buffers = this.#buffers;
    if (buffers?.rows === rows && buffers.memory === this.#scratch.memory) return buffers;
    this.#buffers = this.#carve(rows);
    return this.#buffers;
  }

  #carve(rows: number): Buffers {
    const { inputDimension, widths } = this.#options;
    const ends = this.#options.inputErrors ? rows * inputDimension : 0;
    const arrays = this.#scratch.carve([
      ...widths.map((width) => rows * width),
      ...widths.slice(0, -1).map((width) => rows * width),
      ...widths.flatMap(() => [2 * rows, 2 * rows]),
      ...[ends, ends, rows],
    ]);
    const errors = arrays.splice(0, widths.length);
    const activations = arrays.splice(0, widths.length - 1);
    const norms = widths.map((errorWidth) => ({
      activation: doubles(arrays.shift() as Float32Array),
      error: doubles(arrays.shift() as Float32Array),
      errorWidth,
    }));
    const [inputs, inputErrors, ones] = arrays as [Float32Array, Float32Array, Float32Array];
    const { memory } = this.#scratch;
    return { rows, memory, errors, activations, norms, inputs, inputErrors, ones };
  }
}

/** One layer without biases that starts from zero. */
export function linearPass(
  form: Pick<DenseStackOptions, 'kernels' | 'inputDimension'> & {
    readonly outputDimension: number;
  },
  loss: OutputLoss,
): DenseStack {
  return new DenseStack({
    ...{ kernels: form.kernels, inputDimension: form.inputDimension, loss, seed: null },
    ...{ widths: [form.outputDimension], activation: 'relu', bias: false },
    ...{ inputErrors: false, start: 0 },
  });
}

/** Where a number of rows computes. */
interface Buffers {
  readonly rows: number;
  readonly memory: Float32Array;
  /** Of each layer, `[rows, outputs]`; those of the last begin as logits. */
  readonly errors: readonly Float32Array[];
  /** Of each hidden layer, `[rows, outputs]`. */
  readonly activations: readonly Float32Array[];
  readonly norms: readonly LayerNorms[];
  readonly inputs: Float32Array;
  readonly inputErrors: Float32Array;
  readonly ones: Float32Array;
}

function clearRows(matrix: Float32Array, columns: number, rows: readonly number[]): void {
  for (const row of rows) matrix.fill(0, row * columns, (row + 1) * columns);
}

function doubles({ buffer, byteOffset, length }: Float32Array): Float64Array {
  return new Float64Array(buffer, byteOffset, length / 2);
}
