import * as v from 'valibot';
import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';
import {
  NEIGHBOUR_RELATIONS,
  type NeighbourRelation,
  type Plan,
  PRIVACY_UNITS,
  type PrivacyUnit,
} from '../plan.ts';
import { ACCOUNT_KEY_LENGTH } from './account-table.ts';
import type { LimitName } from './budget.ts';
import type { FilterCurrency } from './currency.ts';
import { type BudgetPolicy, validatePolicy } from './policy.ts';

/** Version of the entries; another one is refused. */
export const LOG_VERSION = 1;

/** First entry of every log: under what terms it counts. `keyCheck` ties it to its account key. */
export interface OpenRecord {
  readonly kind: 'open';
  readonly version: typeof LOG_VERSION;
  readonly time: number;
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly currency: FilterCurrency;
  readonly keyCheck: Uint8Array;
}

/** New accounts get the handles `first`, `first` + 1 …; `keys` is `[n, 16]` bytes. */
export interface InternRecord {
  readonly kind: 'intern';
  readonly time: number;
  readonly first: number;
  readonly keys: Uint8Array;
}

/** A charge, in units, on every one of `handles` (`[n]` words, little-endian); spent until a `release`. */
export interface ReserveRecord {
  readonly kind: 'reserve';
  readonly time: number;
  readonly id: string;
  readonly scene: string;
  readonly handles: Uint8Array;
  readonly plan: Plan;
  readonly cost: number;
  readonly deltaCost: number;
  readonly idempotencyKey: string;
  /** Hash of the whole request, under the account keys. */
  readonly bodyHash: Uint8Array;
  readonly expiresAt: number;
  readonly model?: string;
  readonly epochs?: readonly string[];
  readonly insecure?: true;
}

/**
 * A refusal of a request for `count` accounts. `blocked` has one bit a position of the request, null for
 * all of them; positions mean nothing to someone who does not have the request.
 */
export interface RefuseRecord {
  readonly kind: 'refuse';
  readonly time: number;
  readonly scene: string;
  readonly limit: LimitName;
  readonly count: number;
  readonly blocked: Uint8Array | null;
  readonly spent: number;
  readonly asked: number;
  readonly allowed: number;
  readonly idempotencyKey: string;
  readonly bodyHash: Uint8Array;
}

/**
 * What became of a reservation: its release happened; its charge is taken back; or somebody saw that its
 * lease was over, so that no clock can revive it.
 */
export interface ClosingRecord {
  readonly kind: 'commit' | 'release' | 'expire';
  readonly time: number;
  readonly id: string;
}

/** The scene takes no more charges. */
export interface FreezeRecord {
  readonly kind: 'freeze';
  readonly time: number;
  readonly scene: string;
}

/** What an entry of a budget's log says. Holds no identity; times are milliseconds since 1970. */
export type LogRecord =
  | OpenRecord
  | InternRecord
  | ReserveRecord
  | RefuseRecord
  | ClosingRecord
  | FreezeRecord;

const LIMITS = [
  'user-total',
  'user-scene',
  'scene-worst-case',
  'model',
  'delta',
  'max-releases',
  'min-aggregation-interval',
  'frozen',
] as const satisfies readonly LimitName[];

/** Bytes whose number is a multiple of `width`, or `width` itself. */
function bytes(width: number, exactly = false): v.GenericSchema<Uint8Array> {
  return v.custom<Uint8Array>(
    (value) =>
      value instanceof Uint8Array &&
      (exactly ? value.length === width : value.length > 0 && value.length % width === 0),
  );
}

const hash = bytes(32, true);
const time = v.pipe(v.number(), v.safeInteger());
const units = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 53));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.nonEmpty());

const record: v.GenericSchema<unknown, LogRecord> = v.variant('kind', [
  v.strictObject({
    kind: v.literal('open'),
    version: v.literal(LOG_VERSION),
    time,
    policy: v.pipe(v.unknown(), v.transform(validatePolicy)),
    unit: v.picklist(PRIVACY_UNITS),
    relation: v.picklist(NEIGHBOUR_RELATIONS),
    currency: v.picklist(['gdp', 'zcdp']),
    keyCheck: bytes(ACCOUNT_KEY_LENGTH, true),
  }),
  v.strictObject({
    kind: v.literal('intern'),
    time,
    first: count,
    keys: bytes(ACCOUNT_KEY_LENGTH),
  }),
  v.strictObject({
    kind: v.literal('reserve'),
    time,
    id: text,
    scene: text,
    handles: bytes(4),
    plan: v.custom<Plan>((plan) => typeof plan === 'object' && plan !== null),
    cost: units,
    deltaCost: units,
    idempotencyKey: text,
    bodyHash: hash,
    expiresAt: time,
    model: v.exactOptional(text),
    epochs: v.exactOptional(v.array(text)),
    insecure: v.exactOptional(v.literal(true)),
  }),
  v.strictObject({
    kind: v.literal('refuse'),
    time,
    scene: text,
    limit: v.picklist(LIMITS),
    count,
    blocked: v.nullable(bytes(1)),
    spent: v.number(),
    asked: v.number(),
    allowed: v.number(),
    idempotencyKey: text,
    bodyHash: hash,
  }),
  v.strictObject({ kind: v.picklist(['commit', 'release', 'expire']), time, id: text }),
  v.strictObject({ kind: v.literal('freeze'), time, scene: text }),
]);

/**
 * Body of the entry. Checked on the way in as on the way out: one entry that cannot be read again would
 * close the budget for good.
 */
export function encodeRecord(value: LogRecord): Uint8Array {
  v.assert(record, value);
  return encodeCanonical(value);
}

/** The error for a log that does not make sense at an entry. */
export function corruptAt(seq: number, reason: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'dp/budget-corrupt',
    `entry ${seq} of the budget log: ${reason}`,
    { seq },
    cause === undefined ? undefined : { cause },
  );
}

/**
 * What the entry says, checked field by field.
 *
 * @throws {VelaturaError} `dp/budget-corrupt` with the number of the entry
 */
export function decodeRecord(entry: ChainEntry): LogRecord {
  let value: unknown;
  try {
    value = decodeCanonical(entry.body);
    const result = v.safeParse(record, value, { abortEarly: true });
    if (result.success) return result.output;
    const issue = result.issues[0];
    throw corruptAt(entry.seq, `"${v.getDotPath(issue) ?? ''}": ${issue.message}`);
  } catch (cause) {
    if (cause instanceof VelaturaError && cause.code === 'dp/budget-corrupt') throw cause;
    throw corruptAt(entry.seq, (cause as Error).message, cause);
  }
}

/** Handles as they stand in the log: 32-bit words, little-endian. */
export function handleBytes(handles: Uint32Array): Uint8Array {
  const out = new Uint8Array(handles.length * 4);
  const view = new DataView(out.buffer);
  for (let i = 0; i < handles.length; i++) view.setUint32(i * 4, handles[i] as number, true);
  return out;
}

/** The reverse of {@link handleBytes}. */
export function handlesOf(log: Uint8Array): Uint32Array {
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  const handles = new Uint32Array(log.length / 4);
  for (let i = 0; i < handles.length; i++) handles[i] = view.getUint32(i * 4, true);
  return handles;
}

/** Ascending positions below `count` as one bit each. */
export function positionBits(positions: Uint32Array, size: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(size / 8));
  for (const position of positions) (bits[position >>> 3] as number) |= 1 << (position & 7);
  return bits;
}

/** The reverse of {@link positionBits}; null stands for all. */
export function positionsOf(bits: Uint8Array | null, size: number): Uint32Array {
  const all = Uint32Array.from({ length: size }, (_, i) => i);
  if (bits === null) return all;
  return all.filter((i) => (((bits[i >>> 3] ?? 0) >>> (i & 7)) & 1) === 1);
}
