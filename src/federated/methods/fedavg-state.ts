import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { readDoubles, writeDoubles } from '../../core/doubles.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { AverageState } from './server-averaging.ts';
import type { OptimiserState } from './server-optimiser.ts';

/** Past noise of a run with correlated noise; whoever knows it knows the sums it hides. */
export interface NoiseSecrets {
  readonly rounds: number;
  readonly history: readonly Float64Array[];
}

/** All that a run needs to go on after a round as if it had never stopped. */
export interface FedAvgState {
  /**
   * The public constants of the run, with a digest of its accounts in their order, whether they are charged
   * and whether the noise is insecure: only a run of the same ones may go on from here.
   */
  readonly fingerprint: string;
  /** Rounds behind us, released or lost. */
  readonly round: number;
  /** Rounds that were released, ascending. */
  readonly released: readonly number[];
  /** Rounds that were charged and never released. */
  readonly lost: readonly number[];
  /** Deviation of the fresh noise of one round, in units of the sum. */
  readonly noiseStddev: number;
  /** `[parameterCount]` */
  readonly parameters: Float64Array;
  readonly optimiser: OptimiserState;
  readonly average: AverageState;
  /** Null unless the noise is correlated; then the state must be kept as safe as the updates. */
  readonly secrets: NoiseSecrets | null;
}

const VERSION = 1;

/**
 * A state as bytes. With correlated noise they hold secrets that protect people: never publish them, keep
 * them as the updates would have to be kept.
 */
export function encodeFedAvgState(state: FedAvgState): Uint8Array<ArrayBuffer> {
  const { secrets, optimiser, average } = state;
  return encodeCanonical({
    version: VERSION,
    fingerprint: state.fingerprint,
    round: state.round,
    released: [...state.released],
    lost: [...state.lost],
    noiseStddev: state.noiseStddev,
    parameters: writeDoubles(state.parameters),
    optimiserRounds: optimiser.rounds,
    optimiserSlots: optimiser.slots.map(writeDoubles),
    averageWeight: average.weight,
    averageSum: writeDoubles(average.sum),
    secrets:
      secrets === null
        ? null
        : { rounds: secrets.rounds, history: secrets.history.map(writeDoubles) },
  });
}

/**
 * Reads {@link encodeFedAvgState}'s bytes; whether they belong to a run is checked when it goes on.
 *
 * @throws {VelaturaError} `federated/state-mismatch` for bytes that are no such state
 */
export function decodeFedAvgState(bytes: Uint8Array): FedAvgState {
  try {
    const fields = record(decodeCanonical(bytes));
    if (fields['version'] !== VERSION) throw mismatch('its version is another one');
    const secrets = fields['secrets'] === null ? null : record(fields['secrets']);
    return {
      fingerprint: text(fields['fingerprint']),
      round: count(fields['round']),
      released: list(fields['released']).map(count),
      lost: list(fields['lost']).map(count),
      noiseStddev: size(fields['noiseStddev']),
      parameters: floats(fields['parameters']),
      optimiser: {
        rounds: count(fields['optimiserRounds']),
        slots: list(fields['optimiserSlots']).map(floats),
      },
      average: {
        weight: size(fields['averageWeight']),
        sum: floats(fields['averageSum']),
      },
      secrets:
        secrets === null
          ? null
          : { rounds: count(secrets['rounds']), history: list(secrets['history']).map(floats) },
    };
  } catch (cause) {
    if (cause instanceof VelaturaError && cause.code === 'federated/state-mismatch') throw cause;
    throw mismatch('its bytes are not canonical', { cause });
  }
}

/** What is wrong with a saved state. */
export function mismatch(what: string, options?: ErrorOptions): VelaturaError {
  return new VelaturaError(
    'federated/state-mismatch',
    `the saved state of the run cannot be used: ${what}`,
    {},
    options,
  );
}

function floats(value: unknown): Float64Array {
  if (!(value instanceof Uint8Array) || value.length % 8 !== 0) throw mismatch('an array is cut');
  const array = readDoubles(value);
  if (!array.every(Number.isFinite)) throw mismatch('an array holds what is no finite number');
  return array;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw mismatch('a part is missing');
  }
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw mismatch('a list is missing');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw mismatch('a text is missing');
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw mismatch('a count is missing');
  return value as number;
}

function size(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) {
    throw mismatch('a number is missing');
  }
  return value;
}
