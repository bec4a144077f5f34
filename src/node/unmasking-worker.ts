import { parentPort } from 'node:worker_threads';
import { unmaskerOf } from '../federated/secagg/unmasking.ts';
import { NodeSecAggCrypto } from './secagg-crypto.ts';
import { sentError } from './simulation-messages.ts';
import type { UnmaskingReply, UnmaskingRequest } from './unmasking-messages.ts';

// A thread of a server that takes off masks.

const port = parentPort;
if (port === null) throw new Error('"unmasking-worker" expected to run as a worker');
const unmask = unmaskerOf(new NodeSecAggCrypto());

port.on('message', ({ terms, tasks }: UnmaskingRequest) => {
  unmask(terms, tasks).then(
    (masks) => {
      const reply: UnmaskingReply = { masks, error: null };
      const buffers = masks.flatMap(({ low, high }) => [low.buffer, high.buffer]);
      port.postMessage(reply, buffers);
    },
    (error: unknown) => {
      const reply: UnmaskingReply = { masks: null, error: sentError(error) };
      port.postMessage(reply);
    },
  );
});
