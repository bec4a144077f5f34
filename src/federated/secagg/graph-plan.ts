import { VelaturaError } from '../../core/errors.ts';
import { logAllMarked, upperTail } from './hypergeometric.ts';

/** More neighbours than this cost more than they protect. */
export const MOST_NEIGHBOURS = 2000;

/** Who may fail in one round. */
export interface GraphAssumptions {
  /** Members of the cohort, n. */
  readonly members: number;
  /** Members that may work together with the server, at most. */
  readonly colluders: number;
  /** Members that may fall silent at any step, at most; more end the round. */
  readonly drops: number;
  /**
   * Whether the server may lie: choose who drops after it saw the graph, and hide members from each other. Then
   * `neighbours` must be more than `colluders + drops`, and `threshold` more than three quarters of them.
   */
  readonly dishonestServer: boolean;
}

/** How many neighbours each member has, and how many shares give a secret back. */
export interface GraphShape {
  /** Even, or members − 1: everybody is everybody's neighbour. */
  readonly neighbours: number;
  readonly threshold: number;
}

/** Probabilities over the draw of the graph, each a union bound over all members. */
export interface GraphBounds {
  /** Some honest member has `threshold` or more colluders as neighbours: they can take its masks off. */
  readonly exposure: number;
  /** The honest members that remain fall apart: the server learns the sum of a part of them. */
  readonly partition: number;
  /** Too few neighbours of somebody remain to finish the sum: the round aborts. */
  readonly failure: number;
}

/**
 * What a shape of the graph achieves. Whoever colludes is fixed before the graph is drawn, and unless the server
 * is dishonest, whoever drops too.
 *
 * ## Privacy
 * `exposure + partition` is the probability that more than the sum is revealed, against a server that draws
 * one graph honestly. One that tries G seeds and takes the best multiplies it by G. Argument:
 * `secagg.proof.md`; source: Bell, Bonawitz, Gascón, Lepoint, Raykova, CCS 2020 (ePrint 2020/704), §3.
 *
 * @throws {RangeError} for counts that do not fit together
 */
export function graphBounds(assumptions: GraphAssumptions, shape: GraphShape): GraphBounds {
  checkAssumptions(assumptions);
  const { members, colluders, drops } = assumptions;
  const { neighbours, threshold } = shape;
  const isComplete = neighbours === members - 1;
  if (!Number.isInteger(neighbours) || neighbours < 0 || neighbours > members - 1) {
    throw new RangeError(
      `"neighbours" expected an integer in [0, ${members - 1}], got ${neighbours}`,
    );
  }
  if (!isComplete && (neighbours % 2 !== 0 || neighbours === 0)) {
    throw new RangeError(`"neighbours" expected an even number, got ${neighbours}`);
  }
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > neighbours + 1) {
    throw new RangeError(
      `"threshold" expected an integer in [1, ${neighbours + 1}], got ${threshold}`,
    );
  }
  const others = { population: members - 1, draws: neighbours };
  const helpers = assumptions.dishonestServer ? helpersOf(shape, isComplete) : 0;
  const exposure =
    (members - colluders) * upperTail({ ...others, marked: colluders }, threshold - helpers);
  // A survivor has its own share too; of a member that dropped, one drop is already counted.
  const ofSurvivors =
    (members - drops) * upperTail({ ...others, marked: drops }, neighbours + 2 - threshold);
  const ofDropped =
    drops === 0
      ? 0
      : drops * upperTail({ ...others, marked: drops - 1 }, neighbours + 1 - threshold);
  return {
    exposure: Math.min(1, exposure),
    partition: isComplete ? 0 : partitionBound(assumptions, neighbours),
    failure: Math.min(1, ofSurvivors + ofDropped),
  };
}

/**
 * The fewest neighbours, and the highest threshold for them, with `exposure + partition` and `failure` both at
 * most 2^−securityBits.
 *
 * @param securityBits - 40 is usual; add log₂ of the seeds that a dishonest server could try
 * @throws {VelaturaError} `federated/secagg-too-weak` when no graph of at most 2,000 neighbours does
 */
export function planGraph(
  assumptions: GraphAssumptions,
  securityBits: number,
): GraphShape & GraphBounds {
  checkAssumptions(assumptions);
  if (!(securityBits > 0 && securityBits <= 512)) {
    throw new RangeError(`"securityBits" expected a number in (0, 512], got ${securityBits}`);
  }
  const limit = 2 ** -securityBits;
  const complete = assumptions.members - 1;
  for (let even = 2; even <= MOST_NEIGHBOURS; even += 2) {
    const neighbours = Math.min(even, complete);
    const threshold =
      neighbours === complete || partitionBound(assumptions, neighbours) <= limit
        ? highestThreshold(assumptions, neighbours, limit)
        : null;
    if (threshold !== null) {
      const shape = { neighbours, threshold };
      const bounds = graphBounds(assumptions, shape);
      if (bounds.exposure + bounds.partition <= limit) return { ...shape, ...bounds };
    }
    if (neighbours === complete) break;
  }
  throw new VelaturaError(
    'federated/secagg-too-weak',
    `no graph of ${assumptions.members} members bears ${assumptions.colluders} colluders and ${assumptions.drops} drop-outs at 2^-${securityBits}`,
    { ...assumptions, securityBits },
  );
}

/** Failing grows with the threshold, so the highest that does not fail is found by halving. */
function highestThreshold(
  assumptions: GraphAssumptions,
  neighbours: number,
  limit: number,
): number | null {
  let [low, high] = [0, neighbours + 1];
  while (low < high) {
    const threshold = (low + high + 1) >> 1;
    if (graphBounds(assumptions, { neighbours, threshold }).failure <= limit) low = threshold;
    else high = threshold - 1;
  }
  return low === 0 ? null : low;
}

/**
 * On a ring where each is tied to the next k/2 on either side, those that remain hang together unless the
 * missing ones fill two runs of k/2 places: pairs of places × P[k given places are all missing].
 */
function partitionBound(
  { members, colluders, drops, dishonestServer }: GraphAssumptions,
  neighbours: number,
): number {
  const marked = colluders + drops;
  if (dishonestServer) return marked < neighbours ? 0 : 1;
  const log = logAllMarked({ population: members, marked, draws: neighbours });
  return Math.min(1, Math.exp(log + Math.log((members * (members - 1)) / 2)));
}

/**
 * Honest neighbours that can still be brought to reveal shares of a member after the server hid others from it;
 * all the rest notice and refuse (secagg.proof.md, "Members hidden from each other").
 */
function helpersOf({ neighbours, threshold }: GraphShape, isComplete: boolean): number {
  const hidden = neighbours - threshold + 1;
  return isComplete ? hidden : hidden + neighbours / 2;
}

function checkAssumptions({ members, colluders, drops }: GraphAssumptions): void {
  if (!Number.isInteger(members) || members < 1) {
    throw new RangeError(`"members" expected a positive integer, got ${members}`);
  }
  for (const [name, value] of Object.entries({ colluders, drops })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new RangeError(`"${name}" expected an integer of at least 0, got ${value}`);
    }
  }
  if (colluders + drops >= members) {
    throw new RangeError(
      `"colluders" and "drops" expected fewer than ${members} together, got ${colluders + drops}`,
    );
  }
}
