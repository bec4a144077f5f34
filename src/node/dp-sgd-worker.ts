import { parentPort } from 'node:worker_threads';
import { BARRIER_WORDS, SpinBarrier } from '../federated/example-level/barrier.ts';
import { CONTROL } from '../federated/example-level/run-memory.ts';
import { StepMember } from '../federated/example-level/step-member.ts';
import { createModel } from '../federated/models/model-architecture.ts';
import type { Trainable } from '../federated/models/trainable.ts';
import { modelFingerprint } from './dp-sgd-fingerprint.ts';
import type { DpSgdReply, DpSgdRequest, ModelSource } from './dp-sgd-messages.ts';

const models = new Map<string, Promise<Trainable>>();

/** One of each model for the life of the thread. */
function modelOf(source: ModelSource): Promise<Trainable> {
  const key = JSON.stringify(source);
  const known = models.get(key);
  if (known !== undefined) return known;
  const model = buildModel(source);
  models.set(key, model);
  return model;
}

async function buildModel(source: ModelSource): Promise<Trainable> {
  if (source.kind !== 'module') return createModel(source);
  const { url, name, options } = source;
  const names: Readonly<Record<string, unknown>> = await import(url);
  const model = names[name];
  if (typeof model !== 'function') throw new TypeError(`no class "${name}" in the module`);
  return new (model as new (options: unknown) => Trainable)(options);
}

function answer(reply: DpSgdReply): void {
  parentPort?.postMessage(reply);
}

parentPort?.on('message', async (request: DpSgdRequest) => {
  const { rank, source, settings, memory } = request;
  const words = memory.control.subarray(CONTROL.barrier, CONTROL.barrier + BARRIER_WORDS);
  const barrier = new SpinBarrier(words, settings.members);
  let member: StepMember;
  let fingerprint: string;
  try {
    const model = await modelOf(source);
    if (model.parameterCount !== settings.dimension) {
      throw new RangeError(
        `the model of the crew has ${model.parameterCount} parameters, that of the run ${settings.dimension}`,
      );
    }
    fingerprint = modelFingerprint(model, settings, memory);
    member = new StepMember(rank, model, settings, memory, barrier);
  } catch (error) {
    answer({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  answer({ kind: 'ready', fingerprint });
  try {
    member.follow();
  } catch {
    // The leader hears of it at the barrier, also when this member was the first to fail.
    barrier.fail();
  } finally {
    member.free();
  }
});
