import {
  type Batch,
  clippedSumError,
  type GradientClip,
  type Trainable,
} from '../federated/index.ts';
import { type ConformanceCase, check, checkClose } from './conformance.ts';

/**
 * What every `Trainable` must do.
 *
 * @param parameters - a point at which the loss is smooth
 * @param batch - at least two rows
 * @param hostile - rows that try to be heard beyond their clip: huge, tiny, not finite
 */
export function trainableConformance(
  model: Trainable,
  parameters: Float32Array,
  batch: Batch,
  hostile: readonly Batch[] = [],
): readonly ConformanceCase[] {
  return [
    ...formCases(model, parameters, batch),
    ...gradientCases(model, parameters, batch),
    ...clippingCases(model, parameters, batch, hostile),
  ];
}

function rowOf(model: Trainable, batch: Batch, index: number): Batch {
  const { inputDimension: inputs, outputDimension: outputs } = model;
  return {
    rows: 1,
    features: batch.features.slice(index * inputs, (index + 1) * inputs),
    labels: batch.labels.slice(index * outputs, (index + 1) * outputs),
  };
}

function gradientOf(model: Trainable, parameters: Float32Array, batch: Batch): Float32Array {
  const out = new Float32Array(model.parameterCount).fill(Number.NaN);
  model.gradient(parameters, batch, out);
  return out;
}

function clippedOf(
  model: Trainable,
  parameters: Float32Array,
  batch: Batch,
  clip: GradientClip,
): { out: Float32Array; loss: number; clippedRows: number } {
  const out = new Float32Array(model.parameterCount).fill(Number.NaN);
  return { out, ...model.clippedGradient(parameters, batch, clip, out) };
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function formCases(model: Trainable, parameters: Float32Array, batch: Batch): ConformanceCase[] {
  return [
    {
      name: 'starts with finite parameters of the declared length',
      run() {
        const start = model.initialParameters();
        check(start.length === model.parameterCount, 'initialParameters has another length');
        check(start.every(Number.isFinite), 'initialParameters holds NaN or an infinity');
      },
    },
    {
      name: 'layers cover the parameters, one after the other',
      run() {
        let end = 0;
        for (const layer of model.layers) {
          check(
            layer.start === end,
            `layer "${layer.name}" does not begin where the last one ends`,
          );
          check(layer.end > layer.start, `layer "${layer.name}" is empty`);
          end = layer.end;
        }
        check(end === model.parameterCount, 'the last layer does not end with the parameters');
        const names = new Set(model.layers.map(({ name }) => name));
        check(names.size === model.layers.length, 'two layers have the same name');
      },
    },
    {
      name: 'says nothing about no rows',
      run() {
        const none: Batch = { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) };
        const zero = (out: Float32Array): boolean => out.every((value) => value === 0);
        check(model.loss(parameters, none) === 0, 'loss of no rows is not 0');
        check(zero(gradientOf(model, parameters, none)), 'gradient of no rows is not 0');
        const { out, loss, clippedRows } = clippedOf(
          model,
          parameters,
          none,
          clipAt(model, 1).global,
        );
        check(zero(out) && loss === 0 && clippedRows === 0, 'clippedGradient of no rows is not 0');
        model.gradientNorms(parameters, none, new Float32Array(0));
        model.predict(parameters, none.features, 0, new Float32Array(0));
      },
    },
    {
      name: 'refuses arrays of another shape',
      run() {
        const out = new Float32Array(model.parameterCount);
        const long = (array: Float32Array): Float32Array => new Float32Array(array.length + 1);
        const clip = clipAt(model, 1).global;
        const wrong: Readonly<Record<string, () => unknown>> = {
          parameters: () => model.loss(long(parameters), batch),
          features: () => model.loss(parameters, { ...batch, features: long(batch.features) }),
          labels: () => model.loss(parameters, { ...batch, labels: long(batch.labels) }),
          'a gradient': () => model.gradient(parameters, batch, long(out)),
          norms: () => model.gradientNorms(parameters, batch, new Float32Array(batch.rows + 1)),
          'a clipped gradient': () => model.clippedGradient(parameters, batch, clip, long(out)),
          'a norm of 0': () =>
            model.clippedGradient(parameters, batch, { kind: 'global', norm: 0 }, out),
          'a norm too many': () => {
            const norms = new Array<number>(model.layers.length + 1).fill(1);
            model.clippedGradient(parameters, batch, { kind: 'layers', norms }, out);
          },
        };
        for (const [name, call] of Object.entries(wrong)) {
          let refused = false;
          try {
            call();
          } catch (error) {
            refused = error instanceof RangeError;
          }
          check(refused, `${name} of another shape did not throw RangeError`);
        }
      },
    },
    {
      name: 'leaves parameters and data as they were',
      run() {
        const before = [parameters, batch.features, batch.labels].map((array) => array.slice());
        gradientOf(model, parameters, batch);
        clippedOf(model, parameters, batch, clipAt(model, 0.1).global);
        model.loss(parameters, batch);
        model.predict(
          parameters,
          batch.features,
          batch.rows,
          new Float32Array(batch.rows * model.outputDimension),
        );
        [parameters, batch.features, batch.labels].forEach((array, i) => {
          check(
            array.every((value, at) => value === before[i]?.[at]),
            'an input was written to',
          );
        });
      },
    },
  ];
}

function gradientCases(
  model: Trainable,
  parameters: Float32Array,
  batch: Batch,
): ConformanceCase[] {
  return [
    {
      name: 'gradient is the derivative of the loss',
      run() {
        const gradient = gradientOf(model, parameters, batch);
        const step = 2 ** -8;
        for (let i = 0; i < model.parameterCount; i++) {
          const up = Float32Array.from(parameters);
          const down = Float32Array.from(parameters);
          up[i] = (up[i] as number) + step;
          down[i] = (down[i] as number) - step;
          const width = (up[i] as number) - (down[i] as number);
          const slope = (model.loss(up, batch) - model.loss(down, batch)) / width;
          checkClose(gradient[i] as number, slope, 2e-3, `gradient[${i}]`);
        }
      },
    },
    {
      name: 'gradient and loss are sums over the rows',
      run() {
        const whole = gradientOf(model, parameters, batch);
        const sum = new Float64Array(model.parameterCount);
        let loss = 0;
        for (let index = 0; index < batch.rows; index++) {
          const row = rowOf(model, batch, index);
          gradientOf(model, parameters, row).forEach((value, i) => {
            sum[i] = (sum[i] as number) + value;
          });
          loss += model.loss(parameters, row);
        }
        whole.forEach((value, i) => {
          checkClose(value, sum[i] as number, 1e-4, `gradient[${i}]`);
        });
        checkClose(model.loss(parameters, batch), loss, 1e-4, 'loss');
      },
    },
    {
      name: 'gradientNorms are the norms of the rows’ own gradients',
      run() {
        const norms = new Float32Array(batch.rows);
        model.gradientNorms(parameters, batch, norms);
        for (let index = 0; index < batch.rows; index++) {
          const own = norm(gradientOf(model, parameters, rowOf(model, batch, index)));
          checkClose(norms[index] as number, own, 1e-4, `gradientNorms[${index}]`);
        }
      },
    },
    {
      name: 'descend, where there is one, goes against the gradient',
      run() {
        if (model.descend === undefined) return;
        const moved = parameters.slice();
        const loss = model.descend(moved, batch, 0.125);
        checkClose(loss, model.loss(parameters, batch), 1e-4, 'loss');
        gradientOf(model, parameters, batch).forEach((slope, i) => {
          const expected = (parameters[i] as number) - 0.125 * slope;
          checkClose(moved[i] as number, expected, 1e-4, `parameters[${i}]`);
        });
      },
    },
  ];
}

/** The same reach as a whole, and shared by the layers unevenly. */
function clipAt(model: Trainable, reach: number): { global: GradientClip; layers: GradientClip } {
  const norms = model.layers.map((_, i) => reach / (i + 1));
  return { global: { kind: 'global', norm: reach }, layers: { kind: 'layers', norms } };
}

/** The clipped gradient of one row by its definition, from the gradient. */
function clipByDefinition(
  model: Trainable,
  gradient: Float32Array,
  clip: GradientClip,
): Float64Array {
  const clipped = Float64Array.from(gradient);
  const stretches =
    clip.kind === 'global'
      ? [{ start: 0, end: gradient.length, reach: clip.norm }]
      : model.layers.map((layer, i) => ({ ...layer, reach: clip.norms[i] as number }));
  for (const { start, end, reach } of stretches) {
    const factor = Math.min(1, reach / norm(gradient.subarray(start, end)));
    for (let i = start; i < end; i++) clipped[i] = factor * (gradient[i] as number);
  }
  return clipped;
}

function clippingCases(
  model: Trainable,
  parameters: Float32Array,
  batch: Batch,
  hostile: readonly Batch[],
): ConformanceCase[] {
  return [
    {
      name: 'clippedGradient is the sum of the rows’ own gradients, each clipped',
      run() {
        const norms = new Float32Array(batch.rows);
        model.gradientNorms(parameters, batch, norms);
        const middle = norms.slice().sort()[batch.rows >> 1] as number;
        for (const reach of [middle / 64, middle, middle * 64]) {
          for (const clip of Object.values(clipAt(model, reach))) {
            const sum = new Float64Array(model.parameterCount);
            for (let index = 0; index < batch.rows; index++) {
              const own = gradientOf(model, parameters, rowOf(model, batch, index));
              clipByDefinition(model, own, clip).forEach((value, i) => {
                sum[i] = (sum[i] as number) + value;
              });
            }
            const { out, loss, clippedRows } = clippedOf(model, parameters, batch, clip);
            checkClose(loss, model.loss(parameters, batch), 1e-4, 'loss');
            const scale = Math.max(1, ...sum.map(Math.abs));
            out.forEach((value, i) => {
              const at = `${clip.kind} clipped gradient[${i}]`;
              checkClose(value / scale, (sum[i] as number) / scale, 1e-4, at);
            });
            if (clip.kind !== 'global') continue;
            const over = norms.filter((value) => value > reach * (1 + 1e-4)).length;
            const near = norms.filter((value) => value > reach * (1 - 1e-4)).length;
            check(over <= clippedRows && clippedRows <= near, 'clippedRows is another number');
          }
        }
      },
    },
    {
      name: 'no row is heard beyond its clip',
      run() {
        for (const rows of [batch, ...hostile]) {
          for (let index = 0; index < rows.rows; index++) {
            for (const reach of [2 ** -40, 2 ** -10, 0.5, 2 ** 40]) {
              for (const clip of Object.values(clipAt(model, reach))) {
                checkReach(model, parameters, rowOf(model, rows, index), clip);
              }
            }
          }
        }
      },
    },
    {
      name: 'what a row adds depends on that row alone, to the bit',
      run() {
        const norms = new Float32Array(batch.rows);
        model.gradientNorms(parameters, batch, norms);
        for (const reach of [norms.reduce((most, value) => Math.max(most, value)) * 2, 2 ** -10]) {
          for (const clip of Object.values(clipAt(model, reach))) {
            checkCompany(model, parameters, batch, clip);
          }
        }
      },
    },
    {
      name: 'rows that are not finite do not spoil the others',
      run() {
        const clip = clipAt(model, 0.5).global;
        for (const rows of hostile) {
          const both: Batch = {
            rows: batch.rows + rows.rows,
            features: Float32Array.of(...batch.features, ...rows.features),
            labels: Float32Array.of(...batch.labels, ...rows.labels),
          };
          const parts = [batch, rows].map((part) => clippedOf(model, parameters, part, clip).out);
          clippedOf(model, parameters, both, clip).out.forEach((value, i) => {
            const sum = (parts[0]?.[i] as number) + (parts[1]?.[i] as number);
            checkClose(value, sum, 1e-4, `clipped gradient[${i}]`);
          });
        }
      },
    },
  ];
}

/** Company of each row: more than kernels take at a time, and no multiple of that. */
const COMPANY = 10;

/** Puts each row among rows that add nothing, at every place: their labels are no numbers. */
function checkCompany(
  model: Trainable,
  parameters: Float32Array,
  batch: Batch,
  clip: GradientClip,
): void {
  const { inputDimension: inputs, outputDimension: outputs } = model;
  const rows = COMPANY + 1;
  for (let index = 0; index < batch.rows; index++) {
    const own = rowOf(model, batch, index);
    const alone = clippedOf(model, parameters, own, clip).out;
    for (let place = 0; place < rows; place++) {
      const features = new Float32Array(rows * inputs);
      for (let row = 0; row < rows; row++) {
        const other = rowOf(model, batch, row === place ? index : (index + row + 1) % batch.rows);
        features.set(other.features, row * inputs);
      }
      const labels = new Float32Array(rows * outputs).fill(Number.NaN);
      labels.set(own.labels, place * outputs);
      const { out } = clippedOf(model, parameters, { rows, features, labels }, clip);
      check(
        out.every((value, i) => value === alone[i]),
        `row ${index} adds something else at place ${place} of ${rows} than alone`,
      );
    }
  }
}

function checkReach(
  model: Trainable,
  parameters: Float32Array,
  row: Batch,
  clip: GradientClip,
): void {
  const { out } = clippedOf(model, parameters, row, clip);
  const slack = clippedSumError(model, 1, clip);
  const stretches =
    clip.kind === 'global'
      ? [{ name: 'all', start: 0, end: out.length, reach: clip.norm }]
      : model.layers.map((layer, i) => ({ ...layer, reach: clip.norms[i] as number }));
  for (const { name, start, end, reach } of stretches) {
    const heard = norm(out.subarray(start, end));
    check(
      heard <= reach + slack,
      `layer "${name}": the norm of one row passes its clip of ${reach}`,
    );
  }
}
