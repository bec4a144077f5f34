import type { RandomSource } from '../../core/random-source.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import type { GradientClip } from '../models/gradient-clip.ts';
import type { Batch, Trainable } from '../models/trainable.ts';

/** Enough to fill the lanes of every kernel several times, and a remainder. */
const ROWS = 37;
/** Rows of a batch are made smaller by up to that many halvings, so that not all of them are clipped. */
const HALVINGS = 12;
/** Largest number in a batch of integers, as a power of two, to begin with. */
const WIDEST_BITS = 20;

/**
 * Bytes of the clipped gradient that a model makes of one public pseudo-random batch, and of the number of rows
 * it clipped. Models whose bytes differ do not compute the same; that is shown, the opposite is not, by one batch.
 *
 * @throws {VelaturaError} that the model has for rows it refuses, when it refuses rows of zeros too
 */
export function probeModel(model: Trainable, clip: GradientClip): Uint8Array {
  const random = new SeededRandom('probe');
  const parameters = new Float32Array(model.parameterCount);
  fill(parameters, random, 0.5);
  const labels = new Float32Array(ROWS * model.outputDimension);
  fill(labels, random, 2);
  const batch = {
    rows: ROWS,
    features: new Float32Array(ROWS * model.inputDimension),
    labels: labels.map((value) => (value < 0 ? 0 : 1)),
  };
  fillUsable(model, batch, random);
  const heard = new Float32Array(model.parameterCount + 1);
  const gradient = heard.subarray(0, model.parameterCount);
  const { clippedRows } = model.clippedGradient(parameters, batch, clip, gradient);
  heard[model.parameterCount] = clippedRows;
  return new Uint8Array(heard.buffer);
}

/** Uniform numbers around 0, of that width. */
function fill(values: Float32Array, random: RandomSource, width: number): void {
  const words = new Uint32Array(values.length);
  random.fillUint32(words);
  for (let i = 0; i < words.length; i++) values[i] = width * ((words[i] as number) / 2 ** 32 - 0.5);
}

/** Features of any size, or where the model refuses those, integers as large as it takes, such as item ids. */
function fillUsable(model: Trainable, batch: Batch, random: RandomSource): void {
  const { features } = batch;
  fill(features, random, 2);
  for (let i = 0; i < features.length; i++) {
    const row = Math.floor(i / model.inputDimension);
    features[i] = (features[i] as number) * 2 ** -(row % HALVINGS);
  }
  for (let bits = WIDEST_BITS; bits >= 0; bits--) {
    if (accepts(model, batch)) return;
    fill(features, random, 1);
    for (let i = 0; i < features.length; i++) {
      features[i] = Math.floor(((features[i] as number) + 0.5) * 2 ** bits * (1 - 2 ** -24));
    }
  }
  model.checkExamples?.(batch);
}

function accepts(model: Trainable, batch: Batch): boolean {
  try {
    model.checkExamples?.(batch);
    return true;
  } catch {
    return false;
  }
}
