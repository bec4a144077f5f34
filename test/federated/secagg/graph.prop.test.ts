import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableSha256 } from '../../../src/core/hash-chain.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { drawGraph as drawOne } from '../../../src/federated/secagg/graph.ts';
import { graphBounds, planGraph } from '../../../src/federated/secagg/graph-plan.ts';
import { logAllMarked, upperTail } from '../../../src/federated/secagg/hypergeometric.ts';

/** A server that keeps to the protocol. */
const HONEST = { dishonestServer: false };

function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let value = 1n;
  for (let i = 0; i < k; i++) value = (value * BigInt(n - i)) / BigInt(i + 1);
  return value;
}

function exactTail(population: number, marked: number, draws: number, least: number): number {
  let sum = 0n;
  for (let x = Math.max(0, least); x <= draws; x++) {
    sum += binomial(marked, x) * binomial(population - marked, draws - x);
  }
  return Number((sum * 2n ** 200n) / binomial(population, draws)) / 2 ** 200;
}

const seed = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Whether the members left hang together. */
function isConnected(graph: readonly (readonly number[])[], isLeft: readonly boolean[]): boolean {
  const first = isLeft.indexOf(true);
  const reached = new Set([first]);
  for (const member of reached) {
    for (const other of graph[member] as number[]) if (isLeft[other]) reached.add(other);
  }
  return reached.size === isLeft.filter(Boolean).length;
}

/** The neighbours of every member. */
function drawGraph(
  seed: Uint8Array,
  members: number,
  ...rest: [neighbours: number, sha256: typeof portableSha256]
): readonly (readonly number[])[] {
  const graph = drawOne(seed, members, ...rest);
  return Array.from({ length: members }, (_, member) => graph.neighboursOf(member));
}

describe('hypergeometric tails', () => {
  it('are those of exact integer arithmetic, never under', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (population, a, b, c) => {
          const marked = Math.round(a * population);
          const draws = Math.round(b * population);
          const least = Math.round(c * (draws + 1));
          const exact = exactTail(population, marked, draws, least);
          const tail = upperTail({ population, marked, draws }, least);
          expect(tail).toBeGreaterThanOrEqual(exact);
          expect(tail).toBeLessThanOrEqual(exact * (1 + 1e-5) + 2 ** -180);
          const all = Math.exp(logAllMarked({ population, marked, draws }));
          const exactAll = exactTail(population, marked, draws, draws);
          expect(Math.abs(all - exactAll)).toBeLessThanOrEqual(exactAll * 1e-5 + 2 ** -180);
        },
      ),
    );
  });
});

describe('the graph', () => {
  it('is regular, symmetric and the same for everybody', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 60 }), fc.nat(), fc.string(), (members, k, text) => {
        const neighbours = 2 * (1 + (k % Math.max(1, Math.floor((members - 2) / 2))));
        const graph = drawGraph(seed(text), members, neighbours, portableSha256);
        expect(drawGraph(seed(text), members, neighbours, portableSha256)).toEqual(graph);
        const isWhole = graph.every(
          (others, member) =>
            new Set(others).size === neighbours &&
            !others.includes(member) &&
            others.every((other) => graph[other]?.includes(member) === true),
        );
        expect(isWhole).toBe(true);
      }),
    );
    expect(drawGraph(seed('x'), 3, 2, portableSha256)).toEqual([
      [1, 2],
      [0, 2],
      [0, 1],
    ]);
    expect(drawGraph(seed('x'), 1, 0, portableSha256)).toEqual([[]]);
  });

  it('is another for another seed, and every member is as likely a neighbour', () => {
    const counts = new Array<number>(20).fill(0);
    const draws = 3000;
    for (let i = 0; i < draws; i++) {
      for (const other of drawGraph(seed(`${i}`), 20, 4, portableSha256)[0] as number[]) {
        counts[other] = (counts[other] as number) + 1;
      }
    }
    const expected = (draws * 4) / 19;
    const chi = counts.slice(1).reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
    // The 1 − 1e-6 quantile of chi-square with 18 degrees of freedom is 59.
    expect(chi).toBeLessThan(59);
    expect(counts[0]).toBe(0);
  });
});

describe('the bounds of a graph', () => {
  it('are kept by the graphs drawn: exposure, parts and failures are no more frequent', () => {
    const random = new SeededRandom('bounds');
    const trials = 2000;
    for (const [members, colluders, drops, neighbours, threshold] of [
      [12, 3, 2, 4, 3],
      [12, 3, 2, 4, 2],
      [14, 2, 4, 6, 4],
      [9, 4, 2, 4, 4],
    ] as const) {
      const seen = { exposure: 0, partition: 0, failure: 0 };
      for (let trial = 0; trial < trials; trial++) {
        const graph = drawGraph(seed(`${members}/${trial}`), members, neighbours, portableSha256);
        const order = [...random.permutation(members)];
        const colluding = new Set(order.slice(0, colluders));
        const dropped = new Set(order.slice(colluders, colluders + drops));
        const count = (set: ReadonlySet<number>, of: readonly number[]): number =>
          of.filter((member) => set.has(member)).length;
        const isExposed = graph.some(
          (of, i) => !colluding.has(i) && count(colluding, of) >= threshold,
        );
        const left = graph.map((_, i) => !colluding.has(i) && !dropped.has(i));
        const isFailed = graph.some(
          (of, i) => neighbours - count(dropped, of) + (dropped.has(i) ? 0 : 1) < threshold,
        );
        seen.exposure += isExposed ? 1 : 0;
        seen.partition += isConnected(graph, left) ? 0 : 1;
        seen.failure += isFailed ? 1 : 0;
      }
      const bounds = graphBounds(
        { ...HONEST, members, colluders, drops },
        { neighbours, threshold },
      );
      for (const name of ['exposure', 'partition', 'failure'] as const) {
        // Hoeffding: over by 0.064 at 2,000 trials has a chance of 1e-7 for each of the twelve.
        expect(seen[name] / trials).toBeLessThanOrEqual(bounds[name] + 0.064);
      }
    }
  });

  it('are exact for one member: every graph of six counted', () => {
    // Neighbours of member 0 in a ring of six with k = 2 are any two of five: exposure of 0 is C(2,2)/C(5,2).
    const { exposure } = graphBounds(
      { ...HONEST, members: 6, colluders: 2, drops: 0 },
      { neighbours: 2, threshold: 2 },
    );
    expect(exposure).toBeCloseTo(4 * 0.1, 5);
  });

  it('plans few neighbours, and everybody where there are few members', () => {
    const plan = planGraph({ ...HONEST, members: 1000, colluders: 50, drops: 50 }, 40);
    expect(plan.exposure + plan.partition).toBeLessThanOrEqual(2 ** -40);
    expect(plan.failure).toBeLessThanOrEqual(2 ** -40);
    expect(plan.neighbours).toBeLessThan(100);
    // Fewer neighbours do not do, whatever the threshold.
    const neighbours = plan.neighbours - 2;
    for (let threshold = 1; threshold <= neighbours + 1; threshold++) {
      const { exposure, partition, failure } = graphBounds(
        { ...HONEST, members: 1000, colluders: 50, drops: 50 },
        { neighbours, threshold },
      );
      expect(Math.max(exposure + partition, failure)).toBeGreaterThan(2 ** -40);
    }
    expect(planGraph({ ...HONEST, members: 8, colluders: 3, drops: 4 }, 40)).toEqual({
      neighbours: 7,
      threshold: 4,
      exposure: 0,
      partition: 0,
      failure: 0,
    });
    expect(planGraph({ ...HONEST, members: 1, colluders: 0, drops: 0 }, 40)).toMatchObject({
      threshold: 1,
    });
  });

  it('grows like the logarithm of the members', () => {
    const degrees = [1e3, 1e4, 1e5].map(
      (members) =>
        planGraph({ ...HONEST, members, colluders: members / 20, drops: members / 20 }, 40)
          .neighbours,
    );
    expect(degrees[2]).toBeLessThan((degrees[0] as number) + 30);
  });

  it('bears a server that chooses who drops, from more neighbours on', () => {
    const terms = { members: 200, colluders: 10, drops: 20 };
    const plan = planGraph({ ...terms, dishonestServer: true }, 40);
    expect(plan.neighbours).toBeGreaterThan(30);
    expect(plan.threshold).toBeGreaterThan((3 * plan.neighbours) / 4);
    // Everybody's neighbour: twice the threshold is more than members and colluders together.
    const complete = { members: 9, colluders: 2, drops: 2, dishonestServer: true };
    expect(graphBounds(complete, { neighbours: 8, threshold: 6 }).exposure).toBe(0);
    expect(graphBounds(complete, { neighbours: 8, threshold: 5 }).exposure).toBe(1);
    expect(plan.partition).toBe(0);
    expect(plan.exposure).toBeLessThanOrEqual(2 ** -40);
    // Whatever 30 are taken away, in two runs too, the rest hangs together.
    const graph = drawGraph(seed('runs'), 200, 32, portableSha256);
    const ring = drawGraph(seed('runs'), 200, 2, portableSha256);
    const order = [0];
    while (order.length < 200) {
      const next = (ring[order.at(-1) as number] as number[]).find((m) => !order.includes(m));
      order.push(next as number);
    }
    for (let gap = 15; gap <= 185; gap++) {
      const missing = new Set([...order.slice(0, 15), ...order.slice(gap, gap + 15)]);
      expect(
        isConnected(
          graph,
          graph.map((_, i) => !missing.has(i)),
        ),
      ).toBe(true);
    }
    const both = new Set([...order.slice(0, 16), ...order.slice(100, 116)]);
    expect(
      isConnected(
        graph,
        graph.map((_, i) => !both.has(i)),
      ),
    ).toBe(false);
    expect(
      graphBounds({ ...terms, dishonestServer: true }, { neighbours: 30, threshold: 20 }).partition,
    ).toBe(1);
    expect(planGraph({ members: 9, colluders: 2, drops: 3, dishonestServer: true }, 40)).toEqual({
      neighbours: 8,
      threshold: 6,
      exposure: 0,
      partition: 0,
      failure: 0,
    });
  });

  it('refuses what no graph bears, and what is no graph', () => {
    expect(() => planGraph({ ...HONEST, members: 10, colluders: 5, drops: 5 }, 40)).toThrow(
      RangeError,
    );
    expect(() => planGraph({ ...HONEST, members: 5000, colluders: 2500, drops: 2450 }, 40)).toThrow(
      expect.objectContaining({ code: 'federated/secagg-too-weak' }),
    );
    const terms = { ...HONEST, members: 10, colluders: 1, drops: 1 };
    expect(() => graphBounds(terms, { neighbours: 3, threshold: 2 })).toThrow('"neighbours"');
    expect(() => graphBounds(terms, { neighbours: 10, threshold: 2 })).toThrow('"neighbours"');
    expect(() => graphBounds(terms, { neighbours: 4, threshold: 6 })).toThrow('"threshold"');
    expect(() => graphBounds({ ...terms, drops: -1 }, { neighbours: 4, threshold: 2 })).toThrow(
      '"drops"',
    );
    expect(() => planGraph({ ...terms, members: 0 }, 40)).toThrow('"members"');
    expect(() => planGraph(terms, 0)).toThrow('"securityBits"');
  });
});
