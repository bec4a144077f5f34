import { decodeCanonical } from '../../core/cbor.ts';
import { CborReader } from '../../core/cbor-stream.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';
import { validatePlan } from '../accounting/validate.ts';
import { NEIGHBOUR_RELATIONS, PRIVACY_UNITS } from '../plan.ts';
import { decodeHandles } from './handle-set.ts';
import {
  CURRENCY_NAMES,
  DIGEST_BYTES,
  ENTRY_KINDS,
  KEY_CHECK_BYTES,
  KIND_NAMES,
  LIMIT_NAMES,
  MAX_ACCOUNTS,
  MAX_COUNT,
  MAX_PAGE,
  MAX_UNITS,
} from './log-format.ts';
import {
  type ClosingRecord,
  corruptAt,
  type ErasureRecord,
  type FreezeRecord,
  type InternRecord,
  LOG_VERSION,
  type LogRecord,
  type MembershipRecord,
  type OpenRecord,
  type PageDigest,
  type PlanRecord,
  type PolicyRecord,
  type RefuseRecord,
  type ReserveRecord,
  type RotateRecord,
  type SnapshotRecord,
} from './log-record.ts';
import { validatePolicy } from './policy.ts';

function malformed(field: string, expected: string): VelaturaError {
  return new VelaturaError('core/non-canonical', `"${field}" expected ${expected}`, { field });
}

function takeCount(reader: CborReader, field: string, most: number): number {
  const value = reader.uint();
  if (value > most) throw malformed(field, `a whole number from 0 to ${most}`);
  return value;
}

function takeText(reader: CborReader, field: string): string {
  const value = reader.text();
  if (value === '') throw malformed(field, 'a text, got an empty one');
  return value;
}

function takeTextOrNil(reader: CborReader, field: string): string | null {
  return reader.takeNil() ? null : takeText(reader, field);
}

/** A copy: what is kept of an entry must not keep the buffer it came in. */
function takeBytes(reader: CborReader, field: string, length: number): Uint8Array {
  const value = reader.bytes();
  if (value.length !== length) throw malformed(field, `${length} bytes, got ${value.length}`);
  return Uint8Array.from(value);
}

function takeHandles(reader: CborReader, field: string): Uint32Array {
  const handles = decodeHandles(reader.bytes());
  if (handles.length === 0) throw malformed(field, 'at least one handle, got none');
  return handles;
}

function takePages(reader: CborReader): readonly PageDigest[] {
  const length = reader.array();
  if (length % 2 !== 0) throw malformed('pages', 'a digest for every page');
  const pages: PageDigest[] = [];
  let least = 0;
  for (let i = 0; i < length; i += 2) {
    const page = takeCount(reader, 'page', MAX_PAGE);
    if (page < least) throw malformed('pages', `ascending pages, got ${page} after ${least - 1}`);
    pages.push({ page, digest: takeBytes(reader, 'digest', DIGEST_BYTES) });
    least = page + 1;
  }
  return pages;
}

function takeName<T extends string>(reader: CborReader, field: string, names: readonly T[]): T {
  const value = reader.text();
  const name = names.find((known) => known === value);
  if (name === undefined) throw malformed(field, `one of ${names.join(', ')}`);
  return name;
}

function readReserve(reader: CborReader, time: number): ReserveRecord {
  const scene = takeText(reader, 'scene');
  const plan = takeCount(reader, 'plan', MAX_COUNT);
  const deltaCost = takeCount(reader, 'deltaCost', MAX_UNITS);
  const whole = reader.nextIsText();
  const population = whole ? takeText(reader, 'population') : null;
  const handles = whole ? null : takeHandles(reader, 'handles');
  const idempotencyKey = takeText(reader, 'idempotencyKey');
  const expiresAt = reader.int();
  const model = takeTextOrNil(reader, 'model');
  const epochs: string[] = [];
  for (let left = reader.array(); left > 0; left--) epochs.push(takeText(reader, 'epochs'));
  const insecure = reader.bool();
  return {
    kind: 'reserve',
    time,
    scene,
    plan,
    deltaCost,
    handles,
    population,
    idempotencyKey,
    expiresAt,
    model,
    epochs,
    insecure,
  };
}

function readRefuse(reader: CborReader, time: number): RefuseRecord {
  const scene = takeText(reader, 'scene');
  const limit = LIMIT_NAMES[reader.uint()];
  if (limit === undefined) throw malformed('limit', 'the number of a limit');
  const epoch = takeTextOrNil(reader, 'epoch');
  const count = takeCount(reader, 'count', MAX_ACCOUNTS);
  const blocked = reader.takeNil() ? null : takeHandles(reader, 'blocked');
  const spent = reader.float64();
  const asked = reader.float64();
  const allowed = reader.float64();
  const idempotencyKey = takeText(reader, 'idempotencyKey');
  const fingerprint = takeText(reader, 'fingerprint');
  return {
    kind: 'refuse',
    time,
    scene,
    limit,
    epoch,
    count,
    blocked,
    spent,
    asked,
    allowed,
    idempotencyKey,
    fingerprint,
  };
}

function readOpen(reader: CborReader, time: number): OpenRecord {
  const policy = validatePolicy(decodeCanonical(reader.bytes()));
  const unit = takeName(reader, 'unit', PRIVACY_UNITS);
  const relation = takeName(reader, 'relation', NEIGHBOUR_RELATIONS);
  const currency = takeName(reader, 'currency', CURRENCY_NAMES);
  const keyCheck = takeBytes(reader, 'keyCheck', KEY_CHECK_BYTES);
  return { kind: 'open', time, version: LOG_VERSION, policy, unit, relation, currency, keyCheck };
}

function readPlan(reader: CborReader, time: number): PlanRecord {
  const number = takeCount(reader, 'number', MAX_COUNT);
  const plan = validatePlan(decodeCanonical(reader.bytes()));
  const cost: number[] = [];
  for (let left = reader.array(); left > 0; left--) {
    cost.push(takeCount(reader, 'cost', MAX_UNITS));
  }
  if (cost.length === 0) throw malformed('cost', 'at least one sum, got none');
  return { kind: 'plan', time, number, plan, cost };
}

function readPolicy(reader: CborReader, time: number): PolicyRecord {
  return { kind: 'policy', time, policy: validatePolicy(decodeCanonical(reader.bytes())) };
}

function readClosing(reader: CborReader, kind: ClosingRecord['kind'], time: number): ClosingRecord {
  return { kind, time, reservation: takeCount(reader, 'reservation', MAX_COUNT) };
}

function readMembership(
  reader: CborReader,
  kind: MembershipRecord['kind'],
  time: number,
): MembershipRecord {
  const name = kind === 'assign' ? reader.text() : takeText(reader, 'name');
  return { kind, time, name, handles: takeHandles(reader, 'handles') };
}

function readErasure(reader: CborReader, kind: ErasureRecord['kind'], time: number): ErasureRecord {
  const handles = takeHandles(reader, 'handles');
  return { kind, time, handles, pages: takePages(reader) };
}

function readIntern(reader: CborReader, time: number): InternRecord {
  const size = takeCount(reader, 'size', MAX_ACCOUNTS);
  return { kind: 'intern', time, size, pages: takePages(reader) };
}

function readRotate(reader: CborReader, time: number): RotateRecord {
  const keyCheck = takeBytes(reader, 'keyCheck', KEY_CHECK_BYTES);
  return { kind: 'rotate', time, keyCheck, pages: takePages(reader) };
}

function readFreeze(reader: CborReader, time: number): FreezeRecord {
  return { kind: 'freeze', time, scene: takeText(reader, 'scene') };
}

function readSnapshot(reader: CborReader, time: number): SnapshotRecord {
  return { kind: 'snapshot', time, digest: takeBytes(reader, 'digest', DIGEST_BYTES) };
}

function readRecord(reader: CborReader): LogRecord {
  const items = reader.array();
  const kind = KIND_NAMES[reader.uint()];
  if (kind === undefined) throw malformed('kind', 'the number of a kind of entry');
  const time = reader.int();
  // Before the number of items, which another version may have changed.
  if (kind === 'open') {
    const version = reader.uint();
    if (version !== LOG_VERSION) throw malformed('version', `${LOG_VERSION}, got ${version}`);
  }
  const expected = ENTRY_KINDS[kind].items;
  if (items !== expected) throw malformed(kind, `${expected} items, got ${items}`);
  switch (kind) {
    case 'reserve':
      return readReserve(reader, time);
    case 'commit':
    case 'release':
    case 'expire':
      return readClosing(reader, kind, time);
    case 'refuse':
      return readRefuse(reader, time);
    case 'intern':
      return readIntern(reader, time);
    case 'assign':
    case 'join':
    case 'leave':
      return readMembership(reader, kind, time);
    case 'erase':
    case 'readmit':
      return readErasure(reader, kind, time);
    case 'plan':
      return readPlan(reader, time);
    case 'freeze':
      return readFreeze(reader, time);
    case 'rotate':
      return readRotate(reader, time);
    case 'snapshot':
      return readSnapshot(reader, time);
    case 'policy':
      return readPolicy(reader, time);
    case 'open':
      return readOpen(reader, time);
  }
}

/**
 * What the entry says. Reads what `encodeRecord` writes and nothing else.
 *
 * @throws {VelaturaError} `dp/budget-corrupt` with the number of the entry
 */
export function decodeRecord(entry: ChainEntry): LogRecord {
  try {
    const reader = new CborReader(entry.body);
    const record = readRecord(reader);
    reader.end();
    return record;
  } catch (cause) {
    throw corruptAt(entry.seq, (cause as Error).message, cause);
  }
}
