import { parentPort } from 'node:worker_threads';
import { VelaturaError } from '../core/errors.ts';
import type { CatalogueFrame } from '../he/catalogue.ts';
import { EncodedBlocks } from '../he/encoded-blocks.ts';
import { createScoringKernel } from '../he/kernel/scoring-kernel.ts';
import type { EncodedQuery, ScoringKernel } from '../he/kernel.ts';
import type { MessageFrame } from '../he/message-head.ts';
import { groupCount } from '../he/packing.ts';
import { createHeParameters, createInsecureHeParameters } from '../he/parameters.ts';
import { decodeQuery } from '../he/query-wire.ts';
import type { ScoringAnswer, ScoringRequest } from './scoring-messages.ts';

type LoadRequest = Extract<ScoringRequest, { kind: 'load' }>;
type ScoreRequest = Extract<ScoringRequest, { kind: 'score' }>;

/** What the thread holds of one catalogue. */
interface Held {
  readonly frame: CatalogueFrame;
  readonly kernel: ScoringKernel;
  readonly shards: Map<number, EncodedBlocks>;
  message: MessageFrame;
}

let held: Held | null = null;
let current: { readonly number: number; readonly query: EncodedQuery } | null = null;

function load(request: LoadRequest): ScoringAnswer {
  const next = heldFor(request);
  // Until all is encoded nothing is held: after a failure no old block may answer to the new version.
  held = null;
  const { frame, kernel, shards } = next;
  const { dimensions, featuresPerCiphertext } = frame;
  for (const [shard, blocks] of shards) {
    if (shard < request.shards) continue;
    blocks.dispose();
    shards.delete(shard);
  }
  for (const { shard, blocks } of request.changed) {
    const encoded = shards.get(shard) ?? new EncodedBlocks(kernel, frame);
    shards.set(shard, encoded);
    encoded.update(blocks);
  }
  next.message = {
    parameters: frame.parameters,
    catalogueVersion: request.version,
    items: request.items,
    ciphertexts: groupCount(dimensions, featuresPerCiphertext),
  };
  held = next;
  return { kind: 'loaded' };
}

/** What is held goes on if only items have changed; another catalogue begins from nothing. */
function heldFor(request: LoadRequest): Held {
  const create = request.secure ? createHeParameters : createInsecureHeParameters;
  const parameters = create(request.parameters);
  const frame: CatalogueFrame = { ...request.frame, parameters };
  if (held !== null && JSON.stringify(held.frame) === JSON.stringify(frame)) return held;
  forgetQuery();
  const kernel = createScoringKernel(parameters);
  const message = { parameters, catalogueVersion: '', items: 0, ciphertexts: 0 };
  return { frame, kernel, shards: new Map(), message };
}

function score({ shard, number, query }: ScoreRequest): ScoringAnswer {
  const blocks = held?.shards.get(shard);
  if (held === null || blocks === undefined) throw new Error(`shard ${shard} was never loaded`);
  if (current?.number !== number) {
    forgetQuery();
    const { ciphertexts } = decodeQuery(query, held.message);
    current = { number, query: held.kernel.encodeQuery(ciphertexts) };
  }
  const target = new Uint8Array(blocks.replyBytes);
  blocks.score(current.query, target);
  return { kind: 'scored', blocks: target };
}

function forgetQuery(): void {
  current?.query.dispose();
  current = null;
}

function answer(request: ScoringRequest): ScoringAnswer {
  try {
    return request.kind === 'load' ? load(request) : score(request);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof VelaturaError) return { kind: 'refused', code: error.code, message };
    return { kind: 'failed', message };
  }
}

parentPort?.on('message', (request: ScoringRequest) => {
  const reply = answer(request);
  parentPort?.postMessage(reply, reply.kind === 'scored' ? [reply.blocks.buffer] : []);
});
