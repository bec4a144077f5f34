import { VelaturaError } from '../core/errors.ts';
import type { ScoringCatalogue } from '../he/catalogue.ts';
import type { CatalogueBlock } from '../he/catalogue-block.ts';
import type { ShardCrew } from '../he/sharded-scorer.ts';
import type { ScoringAnswer, ScoringRequest } from './scoring-messages.ts';
import { WorkerCalls } from './worker-calls.ts';
import { startWorker } from './worker-thread.ts';

/** The most blocks of one shard: pieces of a reply of some 300 kB. */
const SHARD_BLOCKS = 32;

/** One worker thread, and the shards it has got. */
interface Member {
  calls: WorkerCalls<ScoringRequest, ScoringAnswer>;
  /** Hashes of the blocks, by shard; empty in a thread that has just started. */
  readonly loaded: Map<number, string>;
  /** Whether it holds something else than the current catalogue, and is to be told before it scores. */
  stale: boolean;
}

/** What is scored, cut into shards. */
interface ShardedCatalogue {
  readonly catalogue: ScoringCatalogue;
  /** Blocks to a shard. */
  readonly shardBlocks: number;
  readonly shards: readonly (readonly CatalogueBlock[])[];
}

/**
 * Threads for `ShardedScorer`: shard i is scored by thread i modulo their number. The catalogue goes to them on shared
 * memory, and each keeps the transformed form of its own shards. A thread that ended is started again with the
 * next query.
 */
export class ScoringThreads implements ShardCrew {
  readonly #members: readonly Member[];
  readonly #queries = new WeakMap<Uint8Array, { number: number; shared: Uint8Array }>();
  #current: ShardedCatalogue | null = null;
  /** The last one that all threads could take. */
  #taken: ShardedCatalogue | null = null;
  #numbers = 0;
  #closed = false;

  /** @param threads - at least 1; more than there are cores is of no use */
  constructor(threads: number) {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new RangeError(`"threads" expected a positive integer, got ${threads}`);
    }
    this.#members = Array.from({ length: threads }, () => ({
      calls: startMember(),
      loaded: new Map(),
      stale: false,
    }));
  }

  get shards(): number {
    return this.#current?.shards.length ?? 0;
  }

  async load(catalogue: ScoringCatalogue): Promise<void> {
    if (this.#closed) throw failed('the threads were closed');
    const before = this.#current;
    const goesOn = catalogue.frame === before?.catalogue.frame;
    if (!goesOn) for (const { loaded } of this.#members) loaded.clear();
    const each = goesOn
      ? before.shardBlocks
      : shardBlocks(catalogue.blocks.length, this.#members.length);
    const shards: (readonly CatalogueBlock[])[] = [];
    for (let at = 0; at < catalogue.blocks.length; at += each) {
      shards.push(catalogue.blocks.slice(at, at + each));
    }
    const next = { catalogue, shardBlocks: each, shards };
    this.#current = next;
    // All are told before any answers: what a thread is asked later, it does on the new catalogue.
    const told = await Promise.allSettled(this.#members.map((_, rank) => this.#tell(rank)));
    const refused = told.find((answer) => answer.status === 'rejected');
    if (refused === undefined) {
      this.#taken = next;
      return;
    }
    if (this.#current === next) {
      this.#current = this.#taken;
      for (const member of this.#members) forget(member);
    }
    throw refused.reason;
  }

  async score(shard: number, query: Uint8Array): Promise<Uint8Array> {
    const rank = shard % this.#members.length;
    const member = this.#members[rank] as Member;
    if (this.#closed) throw failed('the threads were closed');
    if (this.#current === null) throw failed('no catalogue was loaded');
    if (member.calls.failed || member.stale) {
      this.#tell(rank).catch(() => undefined); // the answer to the query tells the same
    }
    const { number, shared } = this.#share(query);
    const answer = await ask(member, { kind: 'score', shard, number, query: shared });
    if (answer.kind !== 'scored') throw refusal(answer);
    return answer.blocks;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#members.map(({ calls }) => calls.end()));
  }

  /** Brings a thread to the current catalogue. */
  async #tell(rank: number): Promise<void> {
    const { catalogue, shards } = this.#current as ShardedCatalogue;
    const { parameters, ...frame } = catalogue.frame;
    const { polynomialDegree, dataPrimes, specialPrime, plaintextModulus } = parameters;
    const member = this.#members[rank] as Member;
    if (member.calls.failed) {
      member.calls = startMember();
      member.loaded.clear();
    }
    member.stale = false;
    const changed = shards.flatMap((blocks, shard) => {
      const hashes = blocks.map(({ hash }) => hash).join();
      const mine = shard % this.#members.length === rank;
      if (!mine || member.loaded.get(shard) === hashes) return [];
      member.loaded.set(shard, hashes);
      return [{ shard, blocks: blocks.map(sharedBlock) }];
    });
    for (const shard of member.loaded.keys()) {
      if (shard >= shards.length) member.loaded.delete(shard);
    }
    const answer = await ask(member, {
      kind: 'load',
      frame,
      parameters: {
        polynomialDegree,
        dataPrimes,
        plaintextModulus,
        ...(specialPrime === null ? {} : { specialPrime }),
      },
      secure: parameters.secure,
      version: catalogue.description.version,
      items: catalogue.description.items,
      changed,
      shards: shards.length,
    });
    if (answer.kind !== 'loaded') {
      forget(member);
      throw refusal(answer);
    }
  }

  /** A query on shared memory with a number of its own, once for all its shards. */
  #share(query: Uint8Array): { number: number; shared: Uint8Array } {
    const known = this.#queries.get(query);
    if (known !== undefined) return known;
    const made = { number: this.#numbers++, shared: onSharedMemory(query) };
    this.#queries.set(query, made);
    return made;
  }
}

/** What a thread holds is not known: it gets all shards with the next query. */
function forget(member: Member): void {
  member.loaded.clear();
  member.stale = true;
}

function startMember(): Member['calls'] {
  return new WorkerCalls(startWorker(import.meta.url, 'scoring-worker'));
}

/** Blocks to a shard, such that all threads get about as much. */
function shardBlocks(blocks: number, threads: number): number {
  const each = Math.ceil(blocks / threads);
  return Math.ceil(each / Math.ceil(each / SHARD_BLOCKS));
}

function sharedBlock(block: CatalogueBlock): CatalogueBlock {
  const { integers, biases } = block;
  return {
    ...block,
    integers: isShared(integers) ? integers : new Int8Array(onSharedMemory(integers).buffer),
    biases:
      biases === null || isShared(biases) ? biases : new Int32Array(onSharedMemory(biases).buffer),
  };
}

function isShared({ buffer }: Int8Array | Int32Array): boolean {
  return buffer instanceof SharedArrayBuffer;
}

function onSharedMemory(values: Uint8Array | Int8Array | Int32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

async function ask({ calls }: Member, request: ScoringRequest): Promise<ScoringAnswer> {
  try {
    return await calls.call(request);
  } catch (error) {
    throw failed(error instanceof Error ? error.message : String(error));
  }
}

function refusal(answer: ScoringAnswer): VelaturaError {
  if (answer.kind === 'refused') return new VelaturaError(answer.code, answer.message);
  return failed(answer.kind === 'failed' ? answer.message : `an answer out of order`);
}

function failed(problem: string): VelaturaError {
  return new VelaturaError('he/worker-failed', `a thread that scores has failed: ${problem}`);
}
