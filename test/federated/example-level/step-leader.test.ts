import { expect, it } from 'vitest';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { NO_BARRIER } from '../../../src/federated/example-level/barrier.ts';
import { ChunkTree } from '../../../src/federated/example-level/chunks.ts';
import { ExampleSampler } from '../../../src/federated/example-level/example-sampler.ts';
import { allocateRun, CONTROL } from '../../../src/federated/example-level/run-memory.ts';
import { StepLeader } from '../../../src/federated/example-level/step-leader.ts';
import { StepMember } from '../../../src/federated/example-level/step-member.ts';
import { LogisticModel } from '../../../src/federated/models/logistic-model.ts';

const STEPS = 60;
const CAPACITY = 8;

/** The chunks of each step over these people, as names in their order; each has bits of their own. */
function chunksOf(people: readonly number[]): string[][] {
  const rows = people.length;
  const model = new LogisticModel({ inputDimension: 1, outputDimension: 1 });
  const settings = {
    ...{ members: 1, population: rows, inputDimension: 1, outputDimension: 1, dimension: 1 },
    ...{ capacity: CAPACITY, noiseStddev: 0, seed: null, divisor: 1, momentum: 0 },
    ...{ averages: false, layerShares: null },
  };
  const examples = { rows, features: new Float32Array(rows), labels: new Float32Array(rows) };
  const memory = allocateRun(settings, examples, null);
  const sampler = new ExampleSampler({ kind: 'full' }, rows, 1);
  let step = 0;
  const random: RandomSource = {
    uint32: () => 0,
    fillUint32: (words) => {
      // Without sampling, what is drawn is the order that is about to be divided.
      sampler.draw(random).forEach((row, i) => {
        words[i] = new SeededRandom(`${step}/${people[row]}`).uint32();
      });
    },
  };
  const member = new StepMember(0, model, settings, memory, NO_BARRIER);
  const leader = new StepLeader({
    ...{ member, memory, sampler, random, barrier: NO_BARRIER, clipping: 1, isPrivate: false },
    chunks: new ChunkTree(CAPACITY, 1, random),
    schedule: { learningRate: () => 0, averageWeights: () => ({ keeps: 0, takes: 0 }) },
    relation: 'add-or-remove-one-user',
  });
  const found = Array.from({ length: STEPS }, () => {
    step++;
    leader.run(1);
    return Array.from({ length: memory.control[CONTROL.chunks] as number }, (_, i) => {
      const start = i === 0 ? 0 : memory.ends[i - 1];
      const chunk = memory.examples.subarray(start, memory.ends[i]);
      return Array.from(chunk, (row) => people[row]).join();
    });
  });
  member.free();
  return found;
}

it('leaves all chunks but those of the example that comes as they were, in every step', () => {
  const people = Array.from({ length: 40 }, (_, i) => i);
  const newcomer = 20;
  const after = chunksOf(people);
  const before = chunksOf(people.filter((one) => one !== newcomer));
  before.forEach((chunks, step) => {
    const gone = chunks.filter((chunk) => !after[step]?.includes(chunk));
    const come = (after[step] as string[]).filter((chunk) => !chunks.includes(chunk));
    expect(gone.length).toBeLessThanOrEqual(1);
    expect(come.length).toBeLessThanOrEqual(2);
    expect(come.join().split(',').map(Number).sort()).toEqual(
      [...gone.flatMap((chunk) => chunk.split(',').map(Number)), newcomer].sort(),
    );
  });
});
