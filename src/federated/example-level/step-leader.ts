import type { RandomSource } from '../../core/random-source.ts';
import type { NeighbourRelation } from '../../dp/plan.ts';
import type { AdaptiveClipping } from '../rounds/adaptive-clipping.ts';
import type { Barrier } from './barrier.ts';
import type { ChunkTree } from './chunks.ts';
import type { ExampleSampler } from './example-sampler.ts';
import { COMMAND, CONTROL, type RunMemory, VALUES } from './run-memory.ts';
import type { StepMember } from './step-member.ts';

/** How far a step moves and what becomes of the average. Steps are counted from 1. */
export interface StepSchedule {
  learningRate(step: number): number;
  averageWeights(step: number): { readonly keeps: number; readonly takes: number };
}

export interface LeaderParts {
  readonly member: StepMember;
  readonly memory: RunMemory;
  readonly barrier: Barrier;
  readonly sampler: ExampleSampler;
  readonly chunks: ChunkTree;
  readonly schedule: StepSchedule;
  /** The clipping norm, or what makes it follow a quantile. */
  readonly clipping: number | AdaptiveClipping;
  readonly relation: NeighbourRelation;
  /** Draws samples and the noise of counts. */
  readonly random: RandomSource;
  /** False where nothing is noised, counts neither. */
  readonly isPrivate: boolean;
}

/**
 * Leads the crew through steps. While the others finish the blocks of one step, it draws the sample of the
 * next.
 */
export class StepLeader {
  readonly #parts: LeaderParts;
  #step = 0;
  #turn = 0;
  #noisyShare: number | null = null;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
  }

  /** Share of examples under the clipping norm in the last step as its noisy count tells; null without one. */
  get noisyShare(): number | null {
    return this.#noisyShare;
  }

  /** Clipping norm of the next step. */
  get clippingNorm(): number {
    const { clipping } = this.#parts;
    return typeof clipping === 'number' ? clipping : clipping.norm;
  }

  /** Takes `count` steps; all members are waiting again when it returns. */
  run(count: number): void {
    const { member, memory } = this.#parts;
    this.#prepare();
    for (let done = 1; done <= count; done++) {
      this.#begin();
      Atomics.store(memory.control, CONTROL.nextBlock, 0);
      member.step(() => {
        this.#adapt();
        if (done < count) this.#prepare();
        else this.#command(COMMAND.idle);
      });
    }
    this.#begin();
  }

  /** Sends the followers home. */
  stop(): void {
    this.#command(COMMAND.stop);
    this.#begin();
  }

  /** Writes what the members are to do when the next turn begins. */
  #command(command: number): void {
    Atomics.store(this.#parts.memory.control, CONTROL.commands + this.#turn, command);
  }

  #begin(): void {
    this.#parts.barrier.wait();
    this.#turn ^= 1;
  }

  /** Draws the next step, while nobody reads what it writes. */
  #prepare(): void {
    const { memory, sampler, chunks, schedule, random } = this.#parts;
    const { control, values, examples, ends } = memory;
    const step = ++this.#step;
    const sample = sampler.draw(random);
    const { keeps, takes } = schedule.averageWeights(step);
    values[VALUES.clippingNorm] = this.clippingNorm;
    values[VALUES.learningRate] = schedule.learningRate(step);
    values[VALUES.averageKeeps] = keeps;
    values[VALUES.averageTakes] = takes;
    // Divided in a copy: an order that stayed with the sampler would carry one step's bits into the next.
    examples.set(sample);
    const chosen = examples.subarray(0, sample.length);
    Atomics.store(control, CONTROL.chunks, chunks.divide(chosen, ends));
    Atomics.store(control, CONTROL.nextChunk, 0);
    Atomics.store(control, CONTROL.step, step);
    this.#command(COMMAND.step);
  }

  #adapt(): void {
    const { clipping, memory, relation, random, isPrivate } = this.#parts;
    if (typeof clipping === 'number') return;
    const balance = memory.counts.reduce((sum, count) => sum + count, 0);
    this.#noisyShare = clipping.update(
      isPrivate ? clipping.noisyBalance(balance, relation, random) : balance,
    );
  }
}
