import { type DroppedBits, NOTHING_DROPPED } from './dropped-bits.ts';
import { blockCount, groupCount, itemsPerBlock } from './packing.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { queryBytes as bytesOfQuery } from './query-wire.ts';
import { replyBytes as bytesOfReply } from './reply-wire.ts';
import { REFERENCE_SPEED, type ScoringSpeed } from './scoring-speed.ts';

/** What lies between client and server. */
export interface Link {
  /** Bits per second from client to server. */
  readonly upBitsPerSecond: number;
  /** Bits per second from server to client. */
  readonly downBitsPerSecond: number;
  /** Milliseconds from a question to the first bit of its answer. */
  readonly roundTripMs: number;
}

/** What is to be scored how often. */
export interface ScoringWorkload {
  readonly parameters: HeParameters;
  /** Rows of the catalogue: items, times its heads. */
  readonly items: number;
  readonly dimensions: number;
  /** Queries that one client makes while a catalogue version lasts. */
  readonly queriesPerVersion: number;
  /** Whether items have biases. */
  readonly biases?: boolean;
  /** How features are packed; by default as suits the link, or the bytes where there is none. */
  readonly featuresPerCiphertext?: number;
  /**
   * Low bits that replies leave out, as the description of a catalogue says. By default none, which makes
   * `replyBytes` an upper bound: how many can be dropped is known once the items are.
   */
  readonly droppedBits?: DroppedBits;
  /** With a link the plan is the one of least time, without the one of fewest bytes. */
  readonly link?: Link;
  /** Of client and server; by default those of {@link REFERENCE_SPEED}. */
  readonly speed?: ScoringSpeed;
}

/** Milliseconds of one query, one thread on either side. */
export interface ScoringTime {
  readonly encryptMs: number;
  readonly serverMs: number;
  readonly decryptMs: number;
  /** On the link, its round trip included; 0 without one. */
  readonly transferMs: number;
  readonly totalMs: number;
}

/** What a workload costs. */
export interface ScoringPlan {
  /** What to make the catalogue with. */
  readonly featuresPerCiphertext: number;
  /** Ciphertexts up, per query. */
  readonly queryCiphertexts: number;
  /** Ciphertexts down, per query. */
  readonly replyCiphertexts: number;
  /** Bytes up, per query: exact. */
  readonly queryBytes: number;
  /** Bytes down, per query: exact for the given dropped bits. */
  readonly replyBytes: number;
  /** Estimates from the given speed. */
  readonly time: ScoringTime;
  /** Bytes up and down for all queries of one catalogue version. */
  readonly encryptedBytes: number;
  /** Bytes down, once per version, if the client got the integer items and scored them itself. */
  readonly matrixBytes: number;
  /**
   * Whether sending the items to the client is cheaper, in time where there is a link and in bytes otherwise. It
   * also hides the profile perfectly and needs no trust in the server; encryption pays when the catalogue is
   * large, secret or short-lived.
   */
  readonly shippingMatrixIsCheaper: boolean;
}

/** Nanoseconds for one product of a plain score. */
const PLAIN_NS = 0.5;

/**
 * What encrypted scoring costs in bytes and time, packed in the way that suits the workload best, beside the
 * trivial way.
 *
 * @throws {RangeError} if a number is out of range
 */
export function planScoring(workload: ScoringWorkload): ScoringPlan {
  check(workload);
  const { dimensions, featuresPerCiphertext } = workload;
  if (featuresPerCiphertext !== undefined) return planFor(workload, featuresPerCiphertext);
  const cost = (plan: ScoringPlan): number =>
    workload.link === undefined ? plan.queryBytes + plan.replyBytes : plan.time.totalMs;
  let best = planFor(workload, 1);
  // Packings of as many ciphertexts per query differ in the reply alone: the smallest is the best of them.
  for (let ciphertexts = dimensions - 1; ciphertexts >= 1; ciphertexts--) {
    const features = Math.ceil(dimensions / ciphertexts);
    if (itemsPerBlock(workload.parameters, features) < 1) break;
    const plan = planFor(workload, features);
    if (cost(plan) < cost(best)) best = plan;
  }
  return best;
}

function planFor(workload: ScoringWorkload, featuresPerCiphertext: number): ScoringPlan {
  const { parameters, items, dimensions, queriesPerVersion, biases, link } = workload;
  const queryCiphertexts = groupCount(dimensions, featuresPerCiphertext);
  const replyCiphertexts = blockCount(parameters, items, featuresPerCiphertext);
  const queryBytes = bytesOfQuery(parameters, queryCiphertexts);
  const replyBytes = bytesOfReply(
    parameters,
    replyCiphertexts,
    workload.droppedBits ?? NOTHING_DROPPED,
  );
  const time = timeOf(workload, queryCiphertexts, replyCiphertexts, queryBytes, replyBytes);
  const encryptedBytes = queriesPerVersion * (queryBytes + replyBytes);
  const matrixBytes = items * (dimensions + (biases === true ? 4 : 0));
  const matrixMs =
    transferMs(link, 0, matrixBytes) + (queriesPerVersion * items * dimensions * PLAIN_NS) / 1e6;
  return {
    featuresPerCiphertext,
    queryCiphertexts,
    replyCiphertexts,
    queryBytes,
    replyBytes,
    time,
    encryptedBytes,
    matrixBytes,
    shippingMatrixIsCheaper:
      link === undefined
        ? matrixBytes < encryptedBytes
        : matrixMs < queriesPerVersion * time.totalMs,
  };
}

function timeOf(
  { parameters, link, speed = REFERENCE_SPEED }: ScoringWorkload,
  queryCiphertexts: number,
  replyCiphertexts: number,
  queryBytes: number,
  replyBytes: number,
): ScoringTime {
  const residues = parameters.dataPrimes.length * parameters.polynomialDegree;
  const encryptMs = speed.keyMs + (queryCiphertexts * residues * speed.encryptNs) / 1e6;
  const perBlockNs = queryCiphertexts * speed.multiplyNs + speed.packNs;
  const serverMs =
    (residues * (queryCiphertexts * speed.prepareNs + replyCiphertexts * perBlockNs)) / 1e6;
  const decryptMs = (replyCiphertexts * residues * speed.decryptNs) / 1e6;
  const transfer = transferMs(link, queryBytes, replyBytes);
  return {
    encryptMs,
    serverMs,
    decryptMs,
    transferMs: transfer,
    totalMs: encryptMs + serverMs + decryptMs + transfer,
  };
}

function transferMs(link: Link | undefined, up: number, down: number): number {
  if (link === undefined) return 0;
  const { upBitsPerSecond, downBitsPerSecond, roundTripMs } = link;
  return roundTripMs + 8000 * (up / upBitsPerSecond + down / downBitsPerSecond);
}

function check(workload: ScoringWorkload): void {
  const { parameters, items, dimensions, queriesPerVersion, link, speed } = workload;
  const { featuresPerCiphertext = 1 } = workload;
  assertHeParameters(parameters);
  const counts = { items, dimensions, queriesPerVersion, featuresPerCiphertext };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
    }
  }
  if (itemsPerBlock(parameters, featuresPerCiphertext) < 1) {
    const most = parameters.polynomialDegree / 2;
    throw new RangeError(
      `"featuresPerCiphertext" expected at most ${most}, got ${featuresPerCiphertext}`,
    );
  }
  if (link !== undefined) {
    for (const name of ['upBitsPerSecond', 'downBitsPerSecond'] as const) {
      if (!(link[name] > 0)) {
        throw new RangeError(`"link.${name}" expected a positive number, got ${link[name]}`);
      }
    }
    if (!(link.roundTripMs >= 0)) {
      throw new RangeError(
        `"link.roundTripMs" expected no negative number, got ${link.roundTripMs}`,
      );
    }
  }
  for (const [name, value] of Object.entries(speed ?? {})) {
    if (!(value >= 0)) {
      throw new RangeError(`"speed.${name}" expected no negative number, got ${value}`);
    }
  }
}
