import type { Kernels } from '../src/core/kernels/kernels.ts';
import { selectKernels } from '../src/core/kernels/select.ts';
import { LogisticModel } from '../src/federated/models/logistic-model.ts';
import { MultilayerPerceptron } from '../src/federated/models/multilayer-perceptron.ts';
import type { Trainable } from '../src/federated/models/trainable.ts';
import {
  ArrayPopulation,
  type PopulationArrays,
} from '../src/federated/simulation/array-population.ts';
import type { SimulationParts } from '../src/federated/simulation/cohort-trainer.ts';
import {
  SyntheticPopulation,
  type SyntheticPopulationOptions,
} from '../src/federated/simulation/synthetic-population.ts';

export const PEOPLE: SyntheticPopulationOptions = {
  users: 1000,
  inputDimension: 128,
  outputDimension: 64,
  rows: 50,
  seed: 'bench',
};

/** 100 clients × 50 examples × 128 features × 64 tags, batch 10, one epoch, exact secure noise. */
export const WORKLOAD = {
  cohort: { kind: 'fixed-size', sampleSize: 100 },
  training: { localEpochs: 1, localBatchSize: 10, localLearningRate: 0.1 },
  clippingNorm: 0.5,
  noiseMultiplier: 0.8,
  relation: 'zero-out-one-user',
  delta: 1e-4,
  serverLearningRate: 1,
  seed: 'bench',
} as const;

/** What every thread of the benchmark is told. */
export interface BenchParts {
  readonly model: 'logistic' | 'perceptron';
  /** In shared memory, or made up as they are visited. */
  readonly population: PopulationArrays | SyntheticPopulationOptions;
}

export function simulationParts({ model, population }: BenchParts): SimulationParts {
  const { inputDimension, outputDimension } = population;
  return {
    model: benchModel(model, inputDimension, outputDimension, selectKernels()),
    population:
      'offsets' in population
        ? new ArrayPopulation(population)
        : new SyntheticPopulation(population),
  };
}

export function benchModel(
  kind: BenchParts['model'],
  inputDimension: number,
  outputDimension: number,
  kernels: Kernels,
): Trainable {
  if (kind === 'logistic') return new LogisticModel({ inputDimension, outputDimension, kernels });
  return new MultilayerPerceptron({
    inputDimension,
    hidden: [128],
    outputDimension,
    activation: 'relu',
    loss: 'sigmoid',
    seed: 'bench',
    kernels,
  });
}
