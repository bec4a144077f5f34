import { VelaturaError } from '../../core/errors.ts';
import type { Batch, Trainable } from '../models/trainable.ts';
import type { ExampleLevelOptions } from './train-example-level.ts';

/**
 * Checks options that say nothing about people.
 *
 * @throws RangeError
 */
export function checkShapes({
  model,
  examples,
  initialParameters,
  ...options
}: ExampleLevelOptions): void {
  const { rows, features, labels } = examples;
  const expected = [
    ['features', features, rows * model.inputDimension],
    ['labels', labels, rows * model.outputDimension],
    ['initialParameters', initialParameters, model.parameterCount],
  ] as const;
  for (const [name, array, length] of expected) {
    if (array !== undefined && array.length !== length) {
      throw new RangeError(`"${name}" expected ${length} numbers, got ${array.length}`);
    }
  }
  const { momentum = 0, chunkCapacity = 1, averaging } = options;
  if (!(momentum >= 0 && momentum < 1)) {
    throw new RangeError(`"momentum" expected a number in [0, 1), got ${momentum}`);
  }
  if (!Number.isInteger(chunkCapacity) || chunkCapacity < 1 || chunkCapacity > 4096) {
    throw new RangeError(`"chunkCapacity" expected an integer in [1, 4096], got ${chunkCapacity}`);
  }
  if (averaging?.kind === 'tail' && !(averaging.share > 0 && averaging.share <= 1)) {
    throw new RangeError(`"share" expected a number in (0, 1], got ${averaging.share}`);
  }
  if (averaging?.kind === 'exponential' && !(averaging.decay > 0 && averaging.decay < 1)) {
    throw new RangeError(`"decay" expected a number in (0, 1), got ${averaging.decay}`);
  }
}

/**
 * Checks what the examples hold: all rows before the first step, so that no row decides later whether a run goes
 * on. Errors name the place and never the value.
 *
 * @throws {VelaturaError} `federated/non-finite`, and what the model throws for rows it cannot work with
 */
export function checkExamples(model: Trainable, examples: Batch): void {
  checkFinite('features', examples.features, model.inputDimension);
  checkFinite('labels', examples.labels, model.outputDimension);
  model.checkExamples?.(examples);
}

function checkFinite(name: string, array: Float32Array, width: number): void {
  const at = array.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return;
  const row = Math.floor(at / width);
  const column = at % width;
  throw new VelaturaError(
    'federated/non-finite',
    `"${name}" holds NaN or an infinity in row ${row}, column ${column}`,
    { name, row, column },
  );
}
