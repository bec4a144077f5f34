import { divideGaussian } from '../../dp/divide-gaussian.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';

/** Shares of the budget: moments, cells, moves of the centres, portraits. */
const SHARES = { moments: 0.1, cells: 0.4, moves: 0.25, portraits: 0.25 } as const;

/** Moves of the centres after the cells; each is one release. */
const MOVES = 2;

/** People that a cell should hold for each deviation of its noise, about. */
const PEOPLE_PER_CELL = 6;
const MOST_CELLS = 300;

/** Which releases segments are made of, from public facts alone. */
export interface SegmentSchedule {
  readonly momentNoise: number;
  readonly cellNoise: number;
  readonly moveNoise: number;
  readonly moves: number;
  readonly portraitNoise: number;
  readonly cells: number;
}

/**
 * @param noiseMultiplier - of the whole, as if it were one Gaussian release; 0 is non-private
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/no-solution`
 */
export function segmentSchedule(
  noiseMultiplier: number,
  population: number,
  segments: number,
): SegmentSchedule {
  const { moments, cells, moves, portraits } = SHARES;
  const [momentNoise, cellNoise, portraitNoise, moveNoise] = divideGaussian(noiseMultiplier, [
    moments,
    cells,
    portraits,
    ...new Array<number>(MOVES).fill(moves / MOVES),
  ]) as [number, number, number, number];
  const affordable = population / (PEOPLE_PER_CELL * Math.max(cellNoise, 1));
  return {
    momentNoise,
    cellNoise,
    moveNoise,
    moves: MOVES,
    portraitNoise,
    cells: Math.round(Math.min(MOST_CELLS, Math.max(2 * segments, affordable))),
  };
}

/** The plan of all releases of a schedule. */
export function schedulePlan(schedule: SegmentSchedule, relation: NeighbourRelation): Plan {
  const gaussian = (noiseMultiplier: number): DpEvent => ({ kind: 'gaussian', noiseMultiplier });
  const { momentNoise, cellNoise, moveNoise, moves, portraitNoise } = schedule;
  if (momentNoise === 0) return { unit: 'user', relation, event: { kind: 'non-private' } };
  return {
    unit: 'user',
    relation,
    event: {
      kind: 'composed',
      events: [
        gaussian(momentNoise),
        gaussian(cellNoise),
        { kind: 'repeated', count: moves, event: gaussian(moveNoise) },
        gaussian(portraitNoise),
      ],
    },
  };
}
