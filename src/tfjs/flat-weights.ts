import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { LayerRange } from '../federated/index.ts';
import type { Tfjs } from './load.ts';
import { unsupportedModel } from './refuse.ts';

/** One weight of a model and where it lies in the flat vector. */
interface Place {
  readonly variable: Variable;
  readonly start: number;
  readonly end: number;
}

/**
 * The trainable weights of a model as one flat vector: in the order of `model.trainableWeights`, each row-major
 * as TensorFlow.js keeps it (of a dense layer first the kernel `[inputs, units]`, then the bias `[units]`).
 */
export class FlatWeights {
  readonly length: number;
  /** One range a layer of the model that has trainable weights; a nested model is one layer. */
  readonly layers: readonly LayerRange[];
  readonly variables: readonly Variable[];
  readonly #core: Tfjs['core'];
  readonly #places: readonly Place[];

  /** @throws {VelaturaError} `tfjs/unsupported-model` without weights, or with some that are no float32 */
  constructor(core: Tfjs['core'], model: LayersModel) {
    this.#core = core;
    const places: Place[] = [];
    const layers: LayerRange[] = [];
    let end = 0;
    for (const layer of model.trainable ? model.layers : []) {
      const start = end;
      for (const weight of layer.trainableWeights) {
        if (weight.dtype !== 'float32') {
          throw unsupportedModel(`weight ${weight.name} expected float32, got ${weight.dtype}`);
        }
        const variable = weight.read() as Variable;
        if (places.some((place) => place.variable === variable)) {
          throw unsupportedModel(`weight ${weight.name} belongs to two layers`);
        }
        places.push({ variable, start: end, end: end + variable.size });
        end += variable.size;
      }
      if (end > start) layers.push({ name: layer.name, start, end });
    }
    if (end === 0) throw unsupportedModel('it has no trainable weights');
    this.length = end;
    this.layers = layers;
    this.variables = places.map((place) => place.variable);
    this.#places = places;
  }

  /** What the model holds now. */
  read(): Float32Array {
    return this.gather((variable) => variable);
  }

  /** Puts the parameters into the model. */
  write(parameters: Float32Array): void {
    this.#core.tidy(() => {
      for (const { variable, start, end } of this.#places) {
        // The cpu backend keeps the array that it is given: a copy, or the model would change with the caller's.
        const values = parameters.slice(start, end);
        variable.assign(this.#core.tensor(values, variable.shape, 'float32'));
      }
    });
  }

  /** One tensor a variable, such as its gradient, as a flat vector; zeros where there is none. */
  gather(
    tensorOf: (variable: Variable) => Tensor | null | undefined,
    out: Float32Array = new Float32Array(this.length),
  ): Float32Array {
    for (const { variable, start, end } of this.#places) {
      const tensor = tensorOf(variable);
      if (tensor) out.set(tensor.dataSync(), start);
      else out.fill(0, start, end);
    }
    return out;
  }

  /** Where a variable begins in the vector; undefined when it is not trained. */
  startOf(variable: Tensor): number | undefined {
    return this.#places.find((place) => place.variable === variable)?.start;
  }
}
