import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { CborWriter } from '../../core/cbor-stream.ts';
import { validatePlan } from '../accounting/validate.ts';
import { NEIGHBOUR_RELATIONS, PRIVACY_UNITS } from '../plan.ts';
import { encodeHandles, encodeSingle, type HandleList } from './handle-set.ts';
import {
  CURRENCY_NAMES,
  DIGEST_BYTES,
  ENTRY_KINDS,
  KEY_CHECK_BYTES,
  LIMIT_NUMBERS,
  MAX_ACCOUNTS,
  MAX_COUNT,
  MAX_PAGE,
  MAX_UNITS,
} from './log-format.ts';
import {
  LOG_VERSION,
  type LogRecord,
  type OpenRecord,
  type PageDigest,
  type PlanRecord,
  type RefuseRecord,
  type ReserveRecord,
} from './log-record.ts';
import { validatePolicy } from './policy.ts';

const writer = new CborWriter();

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value;
}

function wrong(field: string, expected: string, got: string): RangeError {
  return new RangeError(`"${field}" expected ${expected}, got ${got}`);
}

function start(kind: LogRecord['kind'], time: number): void {
  const { number, items } = ENTRY_KINDS[kind];
  writer.begin();
  writer.array(items);
  writer.uint(number);
  if (!Number.isSafeInteger(time)) throw wrong('time', 'whole milliseconds', describe(time));
  writer.int(time);
}

function putCount(field: string, value: number, most: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= most)) {
    throw wrong(field, `a whole number from 0 to ${most}`, describe(value));
  }
  writer.uint(value);
}

function putText(field: string, value: string): void {
  if (value === '') throw wrong(field, 'a text', 'an empty one');
  writer.text(value);
}

function putTextOrNil(field: string, value: string | null): void {
  if (value === null) writer.nil();
  else putText(field, value);
}

function putBytes(field: string, value: Uint8Array, length: number): void {
  if (value.length !== length) throw wrong(field, `${length} bytes`, `${value.length}`);
  writer.bytes(value);
}

function putHandles(field: string, value: HandleList): void {
  const isList = value instanceof Uint32Array || (Array.isArray(value) && value.length === 1);
  if (!isList || value.length === 0) {
    throw wrong(field, 'at least one handle', 'none');
  }
  const [first] = value;
  if (value.length > 1) writer.bytes(encodeHandles(value));
  else if ((first as number) >>> 0 === first) writer.bytes(encodeSingle(first));
  else throw wrong(field, 'a handle', describe(first));
}

function putPages(pages: readonly PageDigest[]): void {
  writer.array(2 * pages.length);
  let least = 0;
  for (const { page, digest } of pages) {
    if (page < least) throw wrong('pages', 'ascending pages', `${page} after ${least - 1}`);
    putCount('page', page, MAX_PAGE);
    putBytes('digest', digest, DIGEST_BYTES);
    least = page + 1;
  }
}

function putName(field: string, value: string, names: readonly string[]): void {
  if (!names.includes(value)) throw wrong(field, `one of ${names.join(', ')}`, 'another');
  writer.text(value);
}

/** A value of any shape as canonical CBOR within the entry; read once, lest nobody can later. */
function putNested(value: unknown): void {
  const bytes = encodeCanonical(value);
  decodeCanonical(bytes);
  writer.bytes(bytes);
}

function writeReserve(record: ReserveRecord): void {
  const { handles, population } = record;
  if ((handles === null) === (population === null)) {
    throw wrong('handles', 'either handles or a population', handles === null ? 'neither' : 'both');
  }
  start('reserve', record.time);
  putText('scene', record.scene);
  putCount('plan', record.plan, MAX_COUNT);
  putCount('deltaCost', record.deltaCost, MAX_UNITS);
  if (handles === null) putText('population', population as string);
  else putHandles('handles', handles);
  putText('idempotencyKey', record.idempotencyKey);
  if (!Number.isSafeInteger(record.expiresAt)) {
    throw wrong('expiresAt', 'whole milliseconds', describe(record.expiresAt));
  }
  writer.int(record.expiresAt);
  putTextOrNil('model', record.model);
  const { epochs } = record;
  writer.array(epochs.length);
  for (let i = 0; i < epochs.length; i++) putText('epochs', epochs[i] as string);
  writer.bool(record.insecure);
}

function writeRefuse(record: RefuseRecord): void {
  start('refuse', record.time);
  putText('scene', record.scene);
  if (!Object.hasOwn(LIMIT_NUMBERS, record.limit))
    throw wrong('limit', 'the name of a limit', 'another');
  writer.uint(LIMIT_NUMBERS[record.limit]);
  putTextOrNil('epoch', record.epoch);
  putCount('count', record.count, MAX_ACCOUNTS);
  if (record.blocked === null) writer.nil();
  else putHandles('blocked', record.blocked);
  writer.float64(record.spent);
  writer.float64(record.asked);
  writer.float64(record.allowed);
  putText('idempotencyKey', record.idempotencyKey);
  putText('fingerprint', record.fingerprint);
}

function writeOpen(record: OpenRecord): void {
  if (record.version !== LOG_VERSION) throw wrong('version', `${LOG_VERSION}`, 'another');
  start('open', record.time);
  writer.uint(record.version);
  putNested(validatePolicy(record.policy));
  putName('unit', record.unit, PRIVACY_UNITS);
  putName('relation', record.relation, NEIGHBOUR_RELATIONS);
  putName('currency', record.currency, CURRENCY_NAMES);
  putBytes('keyCheck', record.keyCheck, KEY_CHECK_BYTES);
}

function writePlan(record: PlanRecord): void {
  const { cost } = record;
  start('plan', record.time);
  putCount('number', record.number, MAX_COUNT);
  putNested(validatePlan(record.plan));
  if (cost.length === 0) throw wrong('cost', 'at least one sum', 'none');
  writer.array(cost.length);
  for (let i = 0; i < cost.length; i++) putCount('cost', cost[i] as number, MAX_UNITS);
}

/**
 * Body of the entry: canonical CBOR, an array of the kind's number, the time and the fields in their order
 * (a reserve has one field for handles or population). Checked on the way in as on the way out: one entry
 * that cannot be read again would close the budget for good.
 *
 * @returns a view of a larger buffer that is never written again
 * @throws {RangeError} for a field outside its range
 * @throws {VelaturaError} `core/non-canonical` for a lone surrogate, NaN or −0; `dp/invalid-policy`,
 * `dp/invalid-parameter`, `dp/unsupported-event` for a policy or plan that is none
 */
export function encodeRecord(record: LogRecord): Uint8Array {
  switch (record.kind) {
    case 'reserve':
      writeReserve(record);
      break;
    case 'commit':
    case 'release':
    case 'expire':
      start(record.kind, record.time);
      putCount('reservation', record.reservation, MAX_COUNT);
      break;
    case 'refuse':
      writeRefuse(record);
      break;
    case 'intern':
      start('intern', record.time);
      putCount('size', record.size, MAX_ACCOUNTS);
      putPages(record.pages);
      break;
    case 'assign':
    case 'join':
    case 'leave':
      start(record.kind, record.time);
      if (record.kind === 'assign') writer.text(record.name);
      else putText('name', record.name);
      putHandles('handles', record.handles);
      break;
    case 'erase':
    case 'readmit':
      start(record.kind, record.time);
      putHandles('handles', record.handles);
      putPages(record.pages);
      break;
    case 'plan':
      writePlan(record);
      break;
    case 'freeze':
      start('freeze', record.time);
      putText('scene', record.scene);
      break;
    case 'rotate':
      start('rotate', record.time);
      putBytes('keyCheck', record.keyCheck, KEY_CHECK_BYTES);
      putPages(record.pages);
      break;
    case 'snapshot':
      start('snapshot', record.time);
      putBytes('digest', record.digest, DIGEST_BYTES);
      break;
    case 'policy':
      start('policy', record.time);
      putNested(validatePolicy(record.policy));
      break;
    case 'open':
      writeOpen(record);
      break;
    default:
      throw new TypeError('"record" expected an entry of a budget log, got another kind');
  }
  return writer.finish();
}
