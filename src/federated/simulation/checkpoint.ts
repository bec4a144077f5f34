import { sameBytes } from '../../core/bytes.ts';
import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { portableSha256 } from '../../core/hash-chain.ts';
import type { OptimiserState } from '../methods/server-optimiser.ts';

/** Where a simulation stands after a round: enough to go on as if it had never stopped. */
export interface SimulationCheckpoint {
  /** SHA-256 of everything that decides the course of the run, in hexadecimal. */
  readonly configuration: string;
  /** Rounds done. */
  readonly round: number;
  /** `[parameterCount]` */
  readonly parameters: Float64Array;
  readonly optimiser: OptimiserState;
}

const VERSION = 1;
const HASH_LENGTH = 32;

/** A checkpoint as bytes: canonical CBOR, and the SHA-256 of it behind. */
export function encodeCheckpoint(checkpoint: SimulationCheckpoint): Uint8Array<ArrayBuffer> {
  const { configuration, round, parameters, optimiser } = checkpoint;
  const body = encodeCanonical({
    kind: 'velatura simulation',
    version: VERSION,
    configuration,
    round,
    parameters: bytesOf(parameters),
    optimiserRounds: optimiser.rounds,
    optimiserSlots: optimiser.slots.map(bytesOf),
  });
  const bytes = new Uint8Array(body.length + HASH_LENGTH);
  bytes.set(body);
  bytes.set(portableSha256(body), body.length);
  return bytes;
}

/** @throws {VelaturaError} `federated/state-mismatch` for bytes that are no whole checkpoint */
export function decodeCheckpoint(bytes: Uint8Array): SimulationCheckpoint {
  const body = bytes.subarray(0, Math.max(0, bytes.length - HASH_LENGTH));
  if (!sameBytes(portableSha256(body), bytes.subarray(body.length))) {
    throw invalidCheckpoint('expected whole and unchanged bytes');
  }
  let fields: unknown;
  try {
    fields = decodeCanonical(body);
  } catch (cause) {
    throw invalidCheckpoint('expected canonical CBOR', cause);
  }
  const { kind, version, configuration, round, parameters, optimiserRounds, optimiserSlots } =
    fields as Record<string, unknown>;
  if (
    kind !== 'velatura simulation' ||
    version !== VERSION ||
    typeof configuration !== 'string' ||
    !isCount(round) ||
    !isCount(optimiserRounds) ||
    !isNumbers(parameters) ||
    !Array.isArray(optimiserSlots) ||
    !optimiserSlots.every(isNumbers)
  ) {
    throw invalidCheckpoint(`expected a checkpoint of version ${VERSION}`);
  }
  return {
    configuration,
    round,
    parameters: numbersOf(parameters),
    optimiser: { rounds: optimiserRounds, slots: optimiserSlots.map(numbersOf) },
  };
}

/** A checkpoint that cannot be continued here. */
export function invalidCheckpoint(reason: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'federated/state-mismatch',
    `a checkpoint ${reason}`,
    {},
    cause === undefined ? {} : { cause },
  );
}

/** SHA-256 of a configuration of plain JSON values, in hexadecimal. */
export function configurationHash(configuration: unknown): string {
  const digest = portableSha256(encodeCanonical(configuration));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isNumbers(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length % 8 === 0;
}

/** Little-endian on every machine. */
function bytesOf(numbers: Float64Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * numbers.length));
  for (let i = 0; i < numbers.length; i++) view.setFloat64(8 * i, numbers[i] as number, true);
  return new Uint8Array(view.buffer);
}

function numbersOf(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}
