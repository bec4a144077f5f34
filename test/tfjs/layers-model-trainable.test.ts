import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { type Batch, LogisticModel } from '../../src/federated/index.ts';
import { trainableConformance } from '../../src/testing/index.ts';
import { LayersModelTrainable, type Tfjs, type TfjsLoss } from '../../src/tfjs/index.ts';
import { backendsHere, classBatch, on, tagBatch, uniform } from './models.ts';

interface Subject {
  readonly name: string;
  readonly loss: TfjsLoss;
  readonly batch: Batch;
  build(tfjs: Tfjs): LayersModel;
  /** What its gradient needs and WebAssembly has not. */
  readonly missingOnWasm?: string;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'one dense layer with a sigmoid',
    loss: 'sigmoid',
    batch: tagBatch(1, 7, 5, 3),
    build: ({ layers: tfl }) =>
      tfl.sequential({
        layers: [tfl.layers.dense({ units: 3, inputShape: [5], activation: 'sigmoid' })],
      }),
  },
  {
    name: 'dense layers with tanh, ELU and dropout, without a bias, to logits',
    loss: 'sigmoid',
    batch: tagBatch(2, 6, 4, 3),
    build: ({ layers: tfl }) =>
      tfl.sequential({
        layers: [
          tfl.layers.dense({ units: 5, inputShape: [4], activation: 'tanh', useBias: false }),
          tfl.layers.dropout({ rate: 0.5 }),
          tfl.layers.dense({ units: 4 }),
          tfl.layers.elu(),
          tfl.layers.dense({ units: 3 }),
        ],
      }),
  },
  {
    name: 'dense layers with a softmax of their own',
    loss: 'softmax',
    batch: classBatch(3, 6, 4, 3),
    build: ({ layers: tfl }) =>
      tfl.sequential({
        layers: [
          tfl.layers.dense({ units: 5, inputShape: [4], activation: 'sigmoid' }),
          tfl.layers.dense({ units: 3 }),
          tfl.layers.softmax(),
        ],
      }),
  },
  {
    name: 'two branches that meet',
    loss: 'sigmoid',
    batch: tagBatch(4, 4, 4, 2),
    build: ({ layers: tfl }) => {
      const input = tfl.input({ shape: [4] });
      const branch = (activation: 'tanh' | 'sigmoid') =>
        tfl.layers.dense({ units: 3, activation }).apply(input) as typeof input;
      const both = tfl.layers.concatenate().apply([branch('tanh'), branch('sigmoid')]);
      const output = tfl.layers.dense({ units: 2, activation: 'sigmoid' }).apply(both);
      return tfl.model({ inputs: input, outputs: output as typeof input });
    },
  },
  {
    name: 'a convolution of images, with batch normalisation as served',
    loss: 'softmax',
    batch: classBatch(5, 3, 16, 2),
    build: ({ layers: tfl }) =>
      tfl.sequential({
        layers: [
          tfl.layers.conv2d({
            inputShape: [4, 4, 1],
            filters: 2,
            kernelSize: 3,
            activation: 'tanh',
          }),
          tfl.layers.batchNormalization({}),
          tfl.layers.flatten(),
          tfl.layers.dense({ units: 2, activation: 'softmax' }),
        ],
      }),
    missingOnWasm: 'Conv2DBackpropFilter',
  },
  {
    name: 'an embedding of item ids',
    loss: 'sigmoid',
    batch: {
      ...tagBatch(6, 4, 3, 2),
      features: Float32Array.of(0, 2, 4, 1, 1, 3, 4, 4, 4, 0, 1, 2),
    },
    build: ({ layers: tfl }) =>
      tfl.sequential({
        layers: [
          tfl.layers.embedding({ inputDim: 5, outputDim: 3, inputLength: 3 }),
          tfl.layers.globalAveragePooling1d({}),
          tfl.layers.dense({ units: 2, activation: 'sigmoid' }),
        ],
      }),
    missingOnWasm: 'UnsortedSegmentSum',
  },
];

const CLIP = { kind: 'global', norm: 1 } as const;

for (const tfjs of await backendsHere()) {
  const { core, layers: tfl, backend } = tfjs;
  const adapt = (model: LayersModel, loss: TfjsLoss = 'sigmoid') =>
    new LayersModelTrainable(model, { tfjs, loss });

  describe(`LayersModelTrainable on ${backend}`, () => {
    for (const { name, loss, batch, build, missingOnWasm } of SUBJECTS) {
      if (backend === 'wasm' && missingOnWasm !== undefined) {
        it(`refuses ${name}, with the name of what is missing`, () =>
          on(tfjs, () => {
            expect(() => adapt(build(tfjs), loss)).toThrow(
              expect.objectContaining({
                code: 'tfjs/unsupported-model',
                message: expect.stringContaining(missingOnWasm),
              }),
            );
          }));
        continue;
      }
      describe(name, async () => {
        const model = await on(tfjs, () => adapt(build(tfjs), loss));
        const parameters = uniform(9, model.parameterCount, -0.5, 0.5);
        for (const check of trainableConformance(model, parameters, batch)) {
          it(check.name, () => on(tfjs, () => check.run()));
        }
      });
    }

    it('agrees with the built-in logistic model', () =>
      on(tfjs, () => {
        const [inputs, outputs] = [6, 4];
        const own = new LogisticModel({ inputDimension: inputs, outputDimension: outputs });
        const theirs = adapt(
          tfl.sequential({
            layers: [tfl.layers.dense({ units: outputs, inputShape: [inputs], useBias: false })],
          }),
        );
        const batch = tagBatch(7, 9, inputs, outputs);
        const weights = uniform(8, inputs * outputs);
        const turned = transposed(weights, outputs, inputs);
        expect(theirs.loss(turned, batch)).toBeCloseTo(own.loss(weights, batch), 4);
        const [expected, found] = [own, theirs].map((model) => {
          const out = new Float32Array(model.parameterCount);
          model.clippedGradient(model === own ? weights : turned, batch, CLIP, out);
          return out;
        }) as [Float32Array, Float32Array];
        transposed(expected, outputs, inputs).forEach((value, i) => {
          expect(found[i]).toBeCloseTo(value, 5);
        });
      }));

    it('has the same gradients whichever way they are found', () =>
      on(tfjs, () => {
        // The same function twice: the second has a layer that no chain of dense layers may hold.
        const dense = (units: number) => tfl.layers.dense({ units, activation: 'tanh' });
        const inputs = tfl.input({ shape: [4] });
        const end = (value: unknown) =>
          tfl.layers.dense({ units: 2 }).apply(dense(3).apply(value as typeof inputs));
        const chain = tfl.model({ inputs, outputs: end(inputs) as typeof inputs });
        const padded = tfl.model({
          inputs,
          outputs: end(tfl.layers.repeatVector({ n: 1 }).apply(inputs)) as typeof inputs,
        });
        expect(padded.outputs[0]?.shape).toEqual([null, 1, 2]);
        const flat = tfl.model({
          inputs,
          outputs: tfl.layers.flatten().apply(padded.outputs[0] as typeof inputs) as typeof inputs,
        });
        const batch = tagBatch(11, 5, 4, 2);
        const parameters = uniform(12, adapt(chain).parameterCount);
        const [quick, slow] = [chain, flat].map((model) => {
          const trainable = adapt(model);
          const out = new Float32Array(trainable.parameterCount);
          const clip = { kind: 'layers', norms: [0.3, 0.4] } as const;
          const { clippedRows } = trainable.clippedGradient(parameters, batch, clip, out);
          return [clippedRows, ...out.map((value) => Math.fround(value))];
        }) as [number[], number[]];
        expect(quick[0]).toBeGreaterThan(0);
        expect(quick.length).toBe(slow.length);
        quick.forEach((value, i) => {
          expect(value).toBeCloseTo(slow[i] as number, 5);
        });
      }));

    it('keeps no tensor from call to call', () =>
      on(tfjs, () => {
        for (const { build, loss, batch, missingOnWasm } of SUBJECTS) {
          if (backend === 'wasm' && missingOnWasm !== undefined) continue;
          const model = adapt(build(tfjs), loss);
          const parameters = model.initialParameters();
          const gradient = new Float32Array(model.parameterCount);
          const norms = new Float32Array(batch.rows);
          const scores = new Float32Array(batch.labels.length);
          const round = (): void => {
            model.gradient(parameters, batch, gradient);
            model.clippedGradient(parameters, batch, CLIP, gradient);
            model.gradientNorms(parameters, batch, norms);
            model.loss(parameters, batch);
            model.predict(parameters, batch.features, batch.rows, scores);
            parameters.forEach((value, i) => {
              parameters[i] = value - 0.01 * (gradient[i] as number);
            });
          };
          round();
          const { numTensors, numDataBuffers, numBytes } = core.memory();
          for (let i = 0; i < 10; i++) round();
          expect(core.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
        }
      }));

    it('leaves no tensor behind when a call fails', () =>
      on(tfjs, () => {
        const model = adapt(SUBJECTS[0]?.build(tfjs) as LayersModel);
        const batch = tagBatch(1, 2, 5, 3);
        const { numTensors } = core.memory();
        expect(() =>
          model.gradient(new Float32Array(3), batch, new Float32Array(model.parameterCount)),
        ).toThrow(RangeError);
        expect(core.memory().numTensors).toBe(numTensors);
      }));

    it('computes a row the same whatever stands beside it', () =>
      on(tfjs, () => {
        const [inputs, outputs, rows] = [37, 11, 23];
        for (const activation of ['relu', 'tanh', 'sigmoid'] as const) {
          const model = adapt(
            tfl.sequential({
              layers: [
                tfl.layers.dense({ units: 19, inputShape: [inputs], activation }),
                tfl.layers.dense({ units: outputs, activation: 'sigmoid' }),
              ],
            }),
          );
          const parameters = uniform(20, model.parameterCount);
          const whole = tagBatch(21, rows, inputs, outputs);
          for (let row = 0; row < rows; row++) {
            const features = whole.features.slice(row * inputs, (row + 1) * inputs);
            const labels = whole.labels.slice(row * outputs, (row + 1) * outputs);
            const alone = new Float32Array(model.parameterCount);
            model.clippedGradient(parameters, { rows: 1, features, labels }, CLIP, alone);
            // Rows that are no numbers are left out, so that what is written is the one row's gradient.
            const company = whole.features.map((value, i) =>
              Math.floor(i / inputs) === row ? value : i % inputs === row ? Number.NaN : value,
            );
            const among = new Float32Array(model.parameterCount);
            const clipped = model.clippedGradient(
              parameters,
              { rows, features: company, labels: whole.labels },
              CLIP,
              among,
            );
            expect(clipped.clippedRows).toBeGreaterThanOrEqual(rows - 1);
            expect(among).toEqual(alone);
          }
        }
      }));

    it('never lets one row pass the clipping norm', () =>
      on(tfjs, () => {
        const model = adapt(
          tfl.sequential({
            layers: [
              tfl.layers.dense({ units: 3, inputShape: [2], activation: 'relu' }),
              tfl.layers.dense({ units: 2 }),
            ],
          }),
        );
        const hostile = [1e38, -1e38, 1e19, 1e-38, 1e-45, Number.NaN, Number.POSITIVE_INFINITY, 0];
        const parameters = uniform(30, model.parameterCount);
        for (const first of hostile) {
          for (const second of hostile) {
            for (const norm of [1e-6, 1, 1e6]) {
              const out = new Float32Array(model.parameterCount);
              model.clippedGradient(
                parameters,
                {
                  rows: 1,
                  features: Float32Array.of(first, second),
                  labels: Float32Array.of(0, 1),
                },
                { kind: 'global', norm },
                out,
              );
              // One rounding of each product to float32 comes on top; `clippedSumError` accounts for it.
              expect(Math.hypot(...out)).toBeLessThanOrEqual(norm * (1 + 2 ** -23));
            }
          }
        }
      }));

    it('starts with the weights of the model and writes them back', () =>
      on(tfjs, () => {
        const layers = tfl.sequential({
          layers: [tfl.layers.dense({ units: 2, inputShape: [3], biasInitializer: 'ones' })],
        });
        const model = adapt(layers);
        expect(model.layers).toEqual([{ name: layers.layers[0]?.name, start: 0, end: 8 }]);
        expect([...model.initialParameters().slice(6)]).toEqual([1, 1]);
        const parameters = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
        model.writeWeights(parameters);
        const [kernel, bias] = layers.getWeights().map((weight) => weight.arraySync());
        expect(kernel).toEqual([
          [1, 2],
          [3, 4],
          [5, 6],
        ]);
        expect(bias).toEqual([7, 8]);
        parameters.fill(0);
        expect(layers.getWeights()[1]?.arraySync()).toEqual([7, 8]);
        expect(model.initialParameters()[6]).toBe(1);
      }));

    it('trains only what may be trained', () =>
      on(tfjs, () => {
        const frozen = tfl.layers.dense({ units: 3, inputShape: [2], activation: 'tanh' });
        const head = tfl.layers.dense({ units: 1 });
        const layers = tfl.sequential({ layers: [frozen, head] });
        frozen.trainable = false;
        const model = adapt(layers);
        expect(model.layers).toEqual([{ name: head.name, start: 0, end: 4 }]);
        const before = frozen.getWeights().map((weight) => weight.arraySync());
        const batch = tagBatch(40, 3, 2, 1);
        for (const check of trainableConformance(model, uniform(41, 4), batch)) check.run();
        expect(frozen.getWeights().map((weight) => weight.arraySync())).toEqual(before);
      }));

    it('refuses models whose gradients would be wrong', () =>
      on(tfjs, () => {
        const input = (shape: (number | null)[]) => tfl.input({ shape });
        const dense = (units: number, activation: 'linear' | 'relu' | 'softmax' = 'linear') =>
          tfl.layers.dense({ units, activation });
        const one = input([3]);
        const two = input([3]);
        const out = dense(2).apply(one) as typeof one;
        const open = input([null, 3]);
        const frozen = tfl.model({ inputs: one, outputs: dense(2).apply(one) as typeof one });
        frozen.trainable = false;
        const refused: readonly (readonly [LayersModel, RegExp])[] = [
          [
            tfl.model({
              inputs: [one, two],
              outputs: tfl.layers.add().apply([one, two]) as typeof one,
            }),
            /one input, got 2/,
          ],
          [
            tfl.model({ inputs: one, outputs: [out, dense(1).apply(one) as typeof one] }),
            /one output, got 2/,
          ],
          [
            tfl.model({ inputs: open, outputs: dense(2).apply(open) as typeof one }),
            /shape of its input is open/,
          ],
          [
            tfl.model({ inputs: one, outputs: dense(2, 'relu').apply(one) as typeof one }),
            /expected linear or sigmoid for the loss "sigmoid", got relu/,
          ],
          [
            tfl.model({ inputs: one, outputs: dense(2, 'softmax').apply(one) as typeof one }),
            /got softmax/,
          ],
          [frozen, /no trainable weights/],
          [
            tfl.sequential({
              layers: [
                tfl.layers.simpleRNN({
                  units: 2,
                  batchInputShape: [1, 3, 2],
                  stateful: true,
                  recurrentInitializer: 'zeros',
                }),
              ],
            }),
            /state from one person to the next/,
          ],
        ];
        for (const [model, reason] of refused) {
          expect(() => adapt(model)).toThrow(
            expect.objectContaining({
              code: 'tfjs/unsupported-model',
              message: expect.stringMatching(reason),
            }),
          );
        }
        expect(() => adapt(frozen, 'mse' as 'sigmoid')).toThrow(RangeError);
      }));

    it('predicts probabilities', () =>
      on(tfjs, () => {
        const layers = tfl.sequential({
          layers: [tfl.layers.dense({ units: 3, inputShape: [2], activation: 'softmax' })],
        });
        const model = adapt(layers, 'softmax');
        const parameters = uniform(50, model.parameterCount, -30, 30);
        const features = uniform(51, 8);
        const out = new Float32Array(12);
        model.predict(parameters, features, 4, out);
        core.tidy(() => {
          const served = layers.apply(core.tensor2d(features, [4, 2])) as ReturnType<
            typeof core.tensor2d
          >;
          served.dataSync().forEach((value, i) => {
            expect(out[i]).toBeCloseTo(value, 5);
          });
        });
      }));
  });
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)] as number);
}
