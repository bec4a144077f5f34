import { SeededRandom } from '../../core/seeded-random.ts';
import type { DenseStack } from './dense-stack.ts';
import { fillInitialWeights } from './initial-weights.ts';
import type { ItemRows } from './item-rows.ts';
import type { Block, LabelledBlock, LayeredPass } from './layered-pass.ts';
import type { LayerNorms, RowClipping } from './row-clipping.ts';
import type { LayerRange } from './trainable.ts';

/**
 * Rows of items → the sum of their embeddings, each times its coefficient → dense layers. The gradient of a row
 * in the embeddings is an outer product like that of a dense layer: of its coefficients and the error of the sum.
 */
export class EmbeddingPass implements LayeredPass {
  readonly layers: readonly LayerRange[];
  readonly #rows: ItemRows;
  readonly #stack: DenseStack;
  readonly #dimension: number;
  readonly #seed: string | number;
  readonly #sum: Float64Array;
  #coefficientNorms = new Float64Array(0);
  #errorNorms = new Float64Array(0);

  /** @param stack - its parameters begin behind the embeddings, `[items, dimension]` */
  constructor(
    rows: ItemRows,
    stack: DenseStack,
    form: { readonly items: number; readonly dimension: number; readonly seed: string | number },
  ) {
    this.#rows = rows;
    this.#stack = stack;
    this.#dimension = form.dimension;
    this.#seed = form.seed;
    this.#sum = new Float64Array(form.dimension);
    const end = form.items * form.dimension;
    this.layers = [{ name: 'embedding', start: 0, end }, ...stack.layers];
  }

  initialise(parameters: Float32Array): void {
    this.#stack.initialise(parameters);
    const embeddings = parameters.subarray(0, this.layers[0]?.end);
    const random = new SeededRandom(`${this.#seed}/embedding`);
    fillInitialWeights(embeddings, this.#dimension, 1, random);
  }

  predict(parameters: Float32Array, block: Block, out: Float32Array): void {
    this.#stack.predict(parameters, this.#pool(parameters, block), out);
  }

  loss(parameters: Float32Array, block: LabelledBlock, scale: number): number {
    const pooled = this.#pool(parameters, block);
    return this.#stack.loss(parameters, { ...pooled, labels: block.labels }, scale);
  }

  errors(parameters: Float32Array, block: LabelledBlock, scale: number): number {
    const pooled = this.#pool(parameters, block);
    return this.#stack.errors(parameters, { ...pooled, labels: block.labels }, scale);
  }

  norms({ rows }: Block): readonly LayerNorms[] {
    if (this.#errorNorms.length !== rows) {
      this.#coefficientNorms = new Float64Array(rows);
      this.#errorNorms = new Float64Array(rows);
    }
    const errorWidth = this.#dimension;
    const errors = this.#stack.inputErrors(rows);
    for (let row = 0; row < rows; row++) {
      this.#coefficientNorms[row] = squaredNorm(this.#rows.coefficients(row));
      const error = errors.subarray(row * errorWidth, (row + 1) * errorWidth);
      this.#errorNorms[row] = squaredNorm(error);
    }
    const own = { activation: this.#coefficientNorms, error: this.#errorNorms, errorWidth };
    return [own, ...this.#stack.norms({ rows, features: this.#stack.inputs(rows) })];
  }

  scale({ rows }: Block, { scales, clippedRows, leftOut }: RowClipping): void {
    const features = this.#stack.inputs(rows);
    const errors = this.#stack.inputErrors(rows);
    const width = this.#dimension;
    const [own, ...others] = scales as readonly [Float32Array, ...Float32Array[]];
    for (let row = 0; row < rows; row++) {
      const scale = own[row] as number;
      for (let i = row * width; i < (row + 1) * width; i++)
        errors[i] = scale * (errors[i] as number);
    }
    for (const row of leftOut) {
      errors.fill(0, row * width, (row + 1) * width);
      features.fill(0, row * width, (row + 1) * width);
    }
    this.#stack.scale({ rows, features }, { scales: others, clippedRows, leftOut });
  }

  accumulate({ rows }: Block, out: Float32Array, start: 'zero' | 'out'): void {
    this.#stack.accumulate({ rows, features: this.#stack.inputs(rows) }, out, start);
    const width = this.#dimension;
    if (start === 'zero') out.fill(0, 0, this.layers[0]?.end);
    const errors = this.#stack.inputErrors(rows);
    for (let row = 0; row < rows; row++) {
      const ids = this.#rows.ids(row);
      const coefficients = this.#rows.coefficients(row);
      for (let place = 0; place < ids.length; place++) {
        const coefficient = coefficients[place] as number;
        let at = (ids[place] as number) * width;
        for (let i = row * width; i < (row + 1) * width; i++, at++) {
          out[at] = (out[at] as number) + Math.fround(coefficient * (errors[i] as number));
        }
      }
    }
  }

  /** The sum of the embeddings of each row, where the stack takes it. */
  #pool(parameters: Float32Array, { rows, features }: Block): Block {
    this.#rows.read(features, rows);
    const pooled = this.#stack.inputs(rows);
    const width = this.#dimension;
    const sum = this.#sum;
    for (let row = 0; row < rows; row++) {
      sum.fill(0);
      const ids = this.#rows.ids(row);
      const coefficients = this.#rows.coefficients(row);
      for (let place = 0; place < ids.length; place++) {
        const coefficient = coefficients[place] as number;
        let at = (ids[place] as number) * width;
        for (let i = 0; i < width; i++, at++) {
          sum[i] = (sum[i] as number) + coefficient * (parameters[at] as number);
        }
      }
      pooled.set(sum, row * width);
    }
    return { rows, features: pooled };
  }
}

function squaredNorm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return sum;
}
