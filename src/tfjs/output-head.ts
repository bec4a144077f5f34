import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tfjs } from './load.ts';
import { unsupportedModel } from './refuse.ts';

/** A layer of TensorFlow.js. */
export type Layer = LayersModel['layers'][number];

/** The loss: cross-entropy of independent tags, or of classes that exclude each other. */
export type TfjsLoss = 'sigmoid' | 'softmax';

/** Name of the activation a layer ends with; `linear` when it has none. */
export function activationOf(layer: Layer): string {
  if (layer.getClassName() === 'Softmax') return 'softmax';
  const { activation } = layer.getConfig();
  return typeof activation === 'string' ? activation : 'linear';
}

/** The layer that makes the output, or null when it is not one plain layer. */
export function lastLayer(model: LayersModel): Layer | null {
  const output = model.outputs[0];
  return output?.sourceLayer ?? null;
}

/**
 * Refuses an output that is neither logits nor what the loss makes of them.
 *
 * @returns true when the last layer applies the link of the loss, which the loss then takes off again
 * @throws {VelaturaError} `tfjs/unsupported-model`
 */
export function endsInLink(model: LayersModel, loss: TfjsLoss): boolean {
  const last = lastLayer(model);
  const activation = last === null ? 'linear' : activationOf(last);
  if (activation === loss) return true;
  if (activation === 'linear') return false;
  throw unsupportedModel(
    `its last activation expected linear or ${loss} for the loss "${loss}", got ${activation}`,
  );
}

/**
 * The way from features to logits: the model as it is, or without the sigmoid or softmax at its end, because
 * the logarithm of a probability that was rounded to 0 or 1 has no gradient.
 *
 * @throws {VelaturaError} `tfjs/unsupported-model`
 */
export function logitsOf(
  { core, layers }: Tfjs,
  model: LayersModel,
  loss: TfjsLoss,
): (features: Tensor) => Tensor {
  if (!endsInLink(model, loss)) return (features) => applied(model, features);
  const last = lastLayer(model) as Layer;
  const input = singleInput(last);
  if (input === null) throw unsupportedModel(`its last layer ${last.name} is used more than once`);
  const body =
    input === model.inputs[0] ? null : layers.model({ inputs: model.inputs, outputs: input });
  const before = (features: Tensor): Tensor => (body === null ? features : applied(body, features));
  const kind = last.getClassName();
  if (kind === 'Activation' || kind === 'Softmax') return before;
  if (kind !== 'Dense' || input.shape.length !== 2) {
    throw unsupportedModel(
      `its last layer expected a dense layer, an activation or logits, got ${kind}`,
    );
  }
  const [kernel, bias] = denseWeights(last);
  return (features) => {
    const product = core.matMul(before(features), kernel);
    return bias === null ? product : core.add(product, bias);
  };
}

/** Kernel `[inputs, units]` and bias `[units]` of a dense layer. */
export function denseWeights(layer: Layer): readonly [kernel: Tensor, bias: Tensor | null] {
  const [kernel, bias] = layer.weights.map((weight) => weight.read());
  return [kernel as Tensor, bias ?? null];
}

/** Runs a layer or model as it would be served: nothing is dropped out, no statistics are updated. */
export function applied(layer: Pick<Layer, 'apply'>, input: Tensor): Tensor {
  return layer.apply(input, { training: false }) as Tensor;
}

/** The one tensor that goes into a layer; null when it has several or is used more than once. */
export function singleInput(layer: Layer): (Layer['input'] & { shape: (number | null)[] }) | null {
  try {
    const { input } = layer;
    return Array.isArray(input) ? null : input;
  } catch {
    return null;
  }
}
