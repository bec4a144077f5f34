import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { Sha256 } from '../../core/hash-chain.ts';
import { type Bytes, KEY_LENGTH } from './crypto.ts';
import { type GraphAssumptions, MOST_NEIGHBOURS } from './graph-plan.ts';

/** Longest cohort: one announcement holds the keys of all. */
const MOST_MEMBERS = 100_000;
const MOST_DIMENSIONS = 2 ** 26;
const LONGEST_TEXT = 1000;

/** What the server signs and every frame of the round is bound to. */
export interface SecAggRound {
  readonly roundId: string;
  readonly dimension: number;
  /** The sum is exact modulo 2^modulusBits, read as centred integers; 2 … 52. */
  readonly modulusBits: number;
  /** Public bound on |coordinate| of one contribution; null for residues modulo 2^modulusBits, noise and all. */
  readonly contributionBound: number | null;
  /** Identity keys (Ed25519) of all who are asked. A member is known by its place here. */
  readonly cohort: readonly Bytes[];
  readonly neighbours: number;
  readonly threshold: number;
  /** t_min: honest survivors for whom the noise is priced. Fewer end the round before anything is revealed. */
  readonly minimumSurvivors: number;
  /** Members that may work together with the server; they do not count as survivors. */
  readonly colluders: number;
  /** Whether clients reveal shares only for a list that more than half of the cohort signed. */
  readonly consistency: boolean;
  /** The noise of one contribution, in the words that clients expect. */
  readonly noise: string;
  /** 32 public bytes from which the graph is drawn. */
  readonly graphSeed: Bytes;
}

/** Digest of the parameters: names the round in every frame, key and signature. */
export function roundDigest(encoded: Uint8Array, sha256: Sha256): Bytes {
  return new Uint8Array(sha256(utf8ToBytes('velatura-secagg-round-v1\0'), encoded));
}

/** The canonical bytes of the parameters. */
export function encodeRound(round: SecAggRound): Bytes {
  return encodeCanonical({ ...round });
}

/** Members that may drop before the round aborts. */
export function allowedDrops(round: SecAggRound): number {
  return round.cohort.length - round.colluders - round.minimumSurvivors;
}

/** What the graph of this round has to bear. */
export function graphAssumptions(round: SecAggRound): GraphAssumptions {
  return {
    members: round.cohort.length,
    colluders: round.colluders,
    drops: allowedDrops(round),
    dishonestServer: round.consistency,
  };
}

/**
 * Signatures on one list that a client wants to see: two lists with as many share an honest member, and an
 * honest member signs one list.
 */
export function quorum(round: SecAggRound): number {
  return Math.floor((round.cohort.length + round.colluders) / 2) + 1;
}

/**
 * Reads parameters that came from outside.
 *
 * @throws {VelaturaError} `federated/secagg-malformed` when they are not whole or contradict themselves
 */
export function readRound(value: unknown): SecAggRound {
  if (typeof value !== 'object' || value === null) throw malformed('parameters');
  const round = value as SecAggRound;
  const names = Object.keys(value).sort().join();
  if (names !== FIELDS) throw malformed('parameters');
  if (!isText(round.roundId)) throw malformed('roundId');
  if (!isText(round.noise)) throw malformed('noise');
  if (typeof round.consistency !== 'boolean') throw malformed('consistency');
  if (!isKey(round.graphSeed)) throw malformed('graphSeed');
  const { cohort } = round;
  if (!Array.isArray(cohort) || cohort.length < 1 || cohort.length > MOST_MEMBERS) {
    throw malformed('cohort');
  }
  if (!cohort.every(isKey)) throw malformed('cohort');
  if (new Set(cohort.map((key) => bytesToHex(key))).size !== cohort.length) {
    throw malformed('cohort');
  }
  const members = cohort.length;
  checkInteger('dimension', round.dimension, 1, MOST_DIMENSIONS);
  checkInteger('modulusBits', round.modulusBits, 2, 52);
  if (round.contributionBound !== null) {
    checkInteger('contributionBound', round.contributionBound, 1, 2 ** 52);
    if (members * round.contributionBound >= 2 ** (round.modulusBits - 1)) {
      throw malformed('contributionBound');
    }
  }
  checkInteger('neighbours', round.neighbours, 0, Math.min(members - 1, MOST_NEIGHBOURS));
  if (round.neighbours % 2 !== 0 && round.neighbours !== members - 1) throw malformed('neighbours');
  if (round.neighbours === 0 && members > 1) throw malformed('neighbours');
  checkInteger('threshold', round.threshold, 1, round.neighbours + 1);
  checkInteger('minimumSurvivors', round.minimumSurvivors, 1, members);
  checkInteger('colluders', round.colluders, 0, members - round.minimumSurvivors);
  return round;
}

const FIELDS = [
  'cohort',
  'colluders',
  'consistency',
  'contributionBound',
  'dimension',
  'graphSeed',
  'minimumSurvivors',
  'modulusBits',
  'neighbours',
  'noise',
  'roundId',
  'threshold',
].join();

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT;
}

function isKey(value: unknown): value is Bytes {
  return value instanceof Uint8Array && value.length === KEY_LENGTH;
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw malformed(name);
  }
}

function malformed(name: string): VelaturaError {
  return new VelaturaError(
    'federated/secagg-malformed',
    `"${name}" of a secure sum is missing or out of range`,
    { name },
  );
}
