import fc from 'fast-check';
import { expect } from 'vitest';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { BudgetStore } from '../../../src/dp/budget/store.ts';
import { nodeSha256 } from '../../../src/node/sha256.ts';
import { type ProgramHome, runProgram, type Tally } from './program-runner.ts';
import { type Family, RELATION } from './program-terms.ts';
import { programs } from './programs.ts';

/** What all programs count by. */
export const TERMS = { unit: 'user', relation: RELATION } as const;

/**
 * Accountants share one store in memory, which none of them may close for the others.
 *
 * @param turns - of the microtask queue that a transaction takes, as if it waited for a disk
 */
export function memoryHome(turns = 0): ProgramHome {
  const memory = new MemoryBudgetStore();
  const shared: BudgetStore = {
    durable: memory.durable,
    transact: async (position, decide) => {
      for (let turn = 0; turn < turns; turn++) await undefined;
      const result = await memory.transact(position, decide);
      for (let turn = 0; turn < turns; turn++) await undefined;
      return result;
    },
    read: (since) => memory.read(since),
    pages: () => memory.pages(),
    loadSnapshot: () => memory.loadSnapshot(),
    saveSnapshot: (snapshot) => memory.saveSnapshot(snapshot),
    close: async () => {},
  };
  return {
    durable: false,
    open: (opening) => openBudget({ ...opening, ...TERMS, store: shared, sha256: nodeSha256 }),
  };
}

export interface ProgramRuns {
  readonly count: number;
  readonly families: readonly Family[];
  /** Programs under way at a time, for homes that keep one waiting; default 1. */
  readonly lanes?: number;
  /** The place of one program. */
  home(): ProgramHome;
}

/** What so many programs surely meet; without it they would prove little. */
const MET = [
  'admitted',
  'population admitted',
  'replayed',
  'conflict',
  'commit done',
  'commit refused',
  'release done',
  'release refused',
  'refused: user-total',
  'refused: user-scene',
  'refused: scene-worst-case',
  'refused: model',
  'refused: delta',
  'refused: max-releases',
  'refused: min-aggregation-interval',
  'refused: frozen',
  'refused: erased',
];
const ENOUGH = 500;

/** All of them in CI, a fifth where somebody waits for the tests. */
export function programCount(count: number): number {
  return process.env['CI'] === 'true' ? count : count / 5;
}

/**
 * Runs that many programs against the reference in exact rationals.
 *
 * @returns how often they met what
 */
export async function runPrograms({
  count,
  families,
  lanes = 1,
  home,
}: ProgramRuns): Promise<Tally> {
  const tally: Tally = new Map();
  const property = fc.asyncProperty(programs, async ({ family, steps }) => {
    const terms = families[family % families.length] as Family;
    await runProgram(home(), terms, steps, tally);
  });
  await Promise.all(
    Array.from({ length: lanes }, () => fc.assert(property, { numRuns: Math.ceil(count / lanes) })),
  );
  if (count >= ENOUGH) expect([...tally.keys()]).toEqual(expect.arrayContaining(MET));
  return tally;
}
