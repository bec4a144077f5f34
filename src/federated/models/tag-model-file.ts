import * as v from 'valibot';
import {
  decodeModelFile,
  type ExpectedModel,
  encodeModelFile,
  expectTensors,
  float32Tensor,
  type ModelFormat,
} from './model-file.ts';
import type { TagModel } from './tag-model.ts';
import { invalidFile } from './tensor.ts';

const ARCHITECTURE = v.strictObject({
  kind: v.picklist(['logistic-tags', 'linear-tags']),
  weightNoiseStddev: v.pipe(v.number(), v.finite(), v.minValue(0)),
});

/**
 * Writes a tag model with its privacy statement as a safetensors file. A model without epsilon is labelled
 * `non-private` in the metadata.
 *
 * ## Privacy
 * A file holds what the model holds, and no more: releasing it costs nothing beyond its statement.
 *
 * @throws {VelaturaError} `federated/invalid-model-file` for a model that could not be read back
 */
export function saveTagModel(model: TagModel): Uint8Array<ArrayBuffer> {
  const { kind, tags, features, weights, offsets, weightNoiseStddev, statement } = model;
  return encodeModelFile({
    architecture: { kind: `${kind}-tags`, weightNoiseStddev },
    tags,
    features,
    statement,
    tensors: new Map([
      ['weights', { shape: [tags.length, features.length], values: weights }],
      ['offsets', { shape: [tags.length], values: offsets }],
    ]),
  });
}

/**
 * Reads what {@link saveTagModel} wrote, for `predictTags` on any device.
 *
 * @param expected - tags and features of the caller's schema; a model of others is refused by name
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function loadTagModel(bytes: Uint8Array, expected: ExpectedModel = {}): TagModel {
  const { architecture, tags, features, statement, tensors } = decodeModelFile(bytes, expected);
  if (!v.is(ARCHITECTURE, architecture)) {
    throw invalidFile(
      '"architecture" expected kind "logistic-tags" or "linear-tags" with its noise',
    );
  }
  expectTensors(tensors, ['weights', 'offsets']);
  return {
    kind: architecture.kind === 'logistic-tags' ? 'logistic' : 'linear',
    tags,
    features,
    weights: float32Tensor(tensors, 'weights', [tags.length, features.length]),
    offsets: float32Tensor(tensors, 'offsets', [tags.length]),
    weightNoiseStddev: architecture.weightNoiseStddev,
    statement,
  };
}

/** Tag models in files and versions. */
export function tagModelFormat(expected: ExpectedModel = {}): ModelFormat<TagModel> {
  return { encode: saveTagModel, decode: (bytes) => loadTagModel(bytes, expected) };
}
