import { parentPort } from 'node:worker_threads';
import {
  type CohortSum,
  CohortTrainer,
  type SimulationParts,
} from '../federated/simulation/cohort-trainer.ts';
import { type SimulationReply, type SimulationRequest, sentError } from './simulation-messages.ts';

// A thread of a simulation: one model that visits users until no one is left.

/** Users taken at a time: few, so that threads end together; some, so that they seldom meet. */
const TAKEN_AT_ONCE = 4;

const port = parentPort;
if (port === null) throw new Error('"simulation-worker" expected to run as a worker');

let parts: SimulationParts | null = null;
let trainer: CohortTrainer | null = null;

async function load(module: string, data: unknown): Promise<void> {
  const { simulationParts } = (await import(module)) as { simulationParts?: unknown };
  if (typeof simulationParts !== 'function') {
    throw new TypeError(
      `"simulationParts" expected a function exported by the module, got ${typeof simulationParts}`,
    );
  }
  parts = (await simulationParts(data)) as SimulationParts;
}

async function answer(request: SimulationRequest): Promise<CohortSum | null> {
  if (request.kind === 'load') {
    await load(request.module, request.data);
    return null;
  }
  if (request.kind === 'prepare') {
    if (parts === null) throw new TypeError('"load" expected before "prepare"');
    trainer?.free();
    trainer = null;
    trainer = new CohortTrainer(parts, request.terms);
    return null;
  }
  if (trainer === null) throw new TypeError('"prepare" expected before "sum"');
  const { round, parameters, users, next } = request;
  trainer.begin(round, parameters);
  for (;;) {
    const from = Atomics.add(next, 0, TAKEN_AT_ONCE);
    const to = Math.min(users.length, from + TAKEN_AT_ONCE);
    if (from >= to) return trainer.end();
    for (let i = from; i < to; i++) trainer.visit(users[i] as number);
  }
}

port.on('message', (request: SimulationRequest) => {
  answer(request).then(
    (sum) => {
      const reply: SimulationReply = { sum, error: null };
      port.postMessage(reply, sum === null ? [] : [sum.sum.buffer as ArrayBuffer]);
    },
    (error: unknown) => {
      const reply: SimulationReply = { sum: null, error: sentError(error) };
      port.postMessage(reply);
    },
  );
});
