import type { Batch, Trainable } from '../federated/index.ts';
import { type ConformanceCase, check, checkClose } from './conformance.ts';

/**
 * What every `Trainable` must do.
 *
 * @param parameters - a point at which the loss is smooth
 * @param batch - at least two rows
 */
export function trainableConformance(
  model: Trainable,
  parameters: Float32Array,
  batch: Batch,
): readonly ConformanceCase[] {
  const row = (index: number): Batch => ({
    rows: 1,
    features: batch.features.slice(
      index * model.inputDimension,
      (index + 1) * model.inputDimension,
    ),
    labels: batch.labels.slice(index * model.outputDimension, (index + 1) * model.outputDimension),
  });
  const gradientOf = (data: Batch): Float32Array => {
    const out = new Float32Array(model.parameterCount).fill(Number.NaN);
    model.gradient(parameters, data, out);
    return out;
  };
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
      name: 'gradient is the derivative of the loss',
      run() {
        const gradient = gradientOf(batch);
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
        const whole = gradientOf(batch);
        const sum = new Float64Array(model.parameterCount);
        let loss = 0;
        for (let index = 0; index < batch.rows; index++) {
          gradientOf(row(index)).forEach((value, i) => {
            sum[i] = (sum[i] as number) + value;
          });
          loss += model.loss(parameters, row(index));
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
          const own = Math.hypot(...gradientOf(row(index)));
          checkClose(norms[index] as number, own, 1e-4, `gradientNorms[${index}]`);
        }
      },
    },
    {
      name: 'leaves parameters and data as they were',
      run() {
        const before = [parameters, batch.features, batch.labels].map((array) => array.slice());
        gradientOf(batch);
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
