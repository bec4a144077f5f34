import { yieldToEventLoop } from '../../core/event-loop.ts';
import {
  type ChainHead,
  HashChain,
  headHex,
  portableSha256,
  type Sha256,
} from '../../core/hash-chain.ts';
import type { Checkpoint, SignedHead, VerifySignature } from '../../core/signed-head.ts';
import {
  type ExpectedSigners,
  verifyWitnessedHead,
  type WitnessedHead,
} from '../../core/witness.ts';
import { type AuditLine, linesOf, readLine } from './audit-line.ts';
import { type AuditRecord, parseRecord } from './audit-record.ts';

/** What is wrong with a log, by kind. */
export const LOG_FAULTS = [
  'altered',
  'hash-altered',
  'missing',
  'out-of-order',
  'malformed',
  'torn-end',
  'time-back',
  'rewritten',
  'rolled-back',
  'bad-signature',
] as const;
export type LogFaultKind = (typeof LOG_FAULTS)[number];

/** One thing that is wrong with a log. */
export interface LogFault {
  readonly kind: LogFaultKind;
  /** Number of the entry; null where none can be named. */
  readonly seq: number | null;
  /** Line of the file, from 1; null for what is wrong with the log as a whole. */
  readonly line: number | null;
  readonly message: string;
}

/** Result of checking a log. */
export interface LogVerification {
  readonly ok: boolean;
  /** Lines that are whole records. */
  readonly entries: number;
  /** Hash of the last entry: 64 hexadecimal digits. */
  readonly head: string;
  readonly faults: readonly LogFault[];
  /** More faults than these were found and only counted. */
  readonly further: number;
}

/** Options of {@link verifyAuditLog}. */
export interface VerifyAuditLogOptions {
  /** Heads noted down elsewhere: each must be an entry of this log. */
  readonly heads?: readonly (Checkpoint | WitnessedHead)[];
  /** Checks signatures of the noted heads; without it only their hashes are looked up. */
  readonly verifySignature?: VerifySignature;
  /** Keys that must have signed every noted head. */
  readonly signers?: ExpectedSigners;
  readonly sha256?: Sha256;
  readonly signal?: AbortSignal;
  /** Sees every record whose link and shape hold, in order. */
  readonly onRecord?: (record: AuditRecord) => void;
}

/** The chain of audit logs. */
export function auditChain(sha256: Sha256 = portableSha256): HashChain {
  return new HashChain('audit', sha256);
}

/** More faults than these are only counted. */
const MOST_FAULTS = 100;

/** An entry whose hash is wrong; what follows it tells whether its content or its hash was changed. */
interface Suspect {
  readonly seq: number;
  readonly line: number;
  readonly computed: Uint8Array;
}

/** A head that must be met on the way. */
interface WantedHead {
  readonly hash: string;
  readonly seq: number | null;
  readonly signedAt: number | null;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Follows a log line by line, and goes on after a fault so that every other fault is named too. */
class LogCheck {
  readonly faults: LogFault[] = [];
  readonly #chain: HashChain;
  readonly #wanted: readonly WantedHead[];
  readonly #onRecord: ((record: AuditRecord) => void) | undefined;
  /** Positions of wanted hashes that were met. */
  readonly #met = new Map<string, number>();
  /** The last entry; null when it is not known what the next one has to follow. */
  #last: ChainHead | null;
  #next = 0;
  #line = 0;
  #time = Number.NEGATIVE_INFINITY;
  #suspect: Suspect | null = null;
  head: ChainHead;
  entries = 0;
  further = 0;

  constructor(
    chain: HashChain,
    wanted: readonly WantedHead[],
    onRecord: ((record: AuditRecord) => void) | undefined,
  ) {
    this.#chain = chain;
    this.#wanted = wanted;
    this.#onRecord = onRecord;
    this.head = chain.start();
    this.#last = this.head;
  }

  report(kind: LogFaultKind, seq: number | null, line: number | null, message: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ kind, seq, line, message });
    else this.further += 1;
  }

  add(bytes: Uint8Array, whole: boolean): void {
    const line = ++this.#line;
    if (!whole) {
      const message = `line ${line} has no end: whoever wrote it was stopped, or the file was cut`;
      this.report('torn-end', null, line, message);
      return;
    }
    const found = readLine(bytes);
    const record = found === null ? null : recordOf(found.body);
    if (found === null || record === null) {
      this.#settle(null);
      this.report('malformed', null, line, `line ${line} is no entry of an audit log`);
      this.#last = null;
      this.#next += 1;
      return;
    }
    this.entries += 1;
    const { seq } = record;
    if (seq < this.#next) {
      const message = `line ${line} holds entry ${seq}, where entry ${this.#next} belongs`;
      this.report('out-of-order', seq, line, message);
      return;
    }
    if (seq > this.#next) {
      this.#settle(null);
      const gone =
        seq === this.#next + 1 ? `entry ${this.#next}` : `entries ${this.#next} to ${seq - 1}`;
      this.report('missing', this.#next, line, `${gone} missing before line ${line}`);
      this.#last = null;
    }
    this.#next = seq + 1;
    const { hash, linked } = this.#follow(seq, line, found);
    if (record.time < this.#time) {
      const message = `entry ${seq} is dated before the entry in front of it`;
      this.report('time-back', seq, line, message);
    }
    this.#time = Math.max(this.#time, record.time);
    this.head = { seq, hash };
    this.#last = this.head;
    if (this.#wanted.length > 0) this.#look(seq, headHex(this.head));
    if (linked) this.#onRecord?.(record);
  }

  /** The hash that goes on, and whether the entry follows from the one before it or nobody can say. */
  #follow(seq: number, line: number, found: AuditLine): { hash: Uint8Array; linked: boolean } {
    const last = this.#last ?? this.#chain.start();
    const { hash } = this.#chain.append(last, found.body);
    const explained = this.#settle(found);
    if (found.hasHash(hash)) return { hash, linked: true };
    // What is in front of it is reported already.
    const linked = explained || this.#last === null;
    if (!linked) this.#suspect = { seq, line, computed: hash };
    return { hash: found.readHash() ?? hash, linked };
  }

  /**
   * Decides about the suspect by the entry after it. When that one follows from the hash that the suspect
   * should have, only the hash that was written was changed.
   *
   * @returns true when the entry after it follows from what was there
   */
  #settle(next: AuditLine | null): boolean {
    const suspect = this.#suspect;
    if (suspect === null) return false;
    this.#suspect = null;
    const { seq, line, computed } = suspect;
    if (next !== null) {
      const { hash } = this.#chain.append({ seq, hash: computed }, next.body);
      if (next.hasHash(hash)) {
        const message = `the hash written beside entry ${seq} was altered; its content was not`;
        this.report('hash-altered', seq, line, message);
        return true;
      }
    }
    this.report('altered', seq, line, `entry ${seq} was altered after it was written`);
    return false;
  }

  #look(seq: number, hex: string): void {
    for (const { hash } of this.#wanted) if (hash === hex) this.#met.set(hash, seq);
  }

  end(): void {
    this.#settle(null);
    let sound = -1;
    const wanted = [...this.#wanted].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
    for (const { hash, seq, signedAt } of wanted) {
      const empty = seq === -1 && hash === headHex(this.#chain.start());
      const met = empty ? -1 : this.#met.get(hash);
      if (met !== undefined && (seq === null || seq === met)) {
        sound = Math.max(sound, met);
        continue;
      }
      const when = signedAt === null ? '' : ` of ${new Date(signedAt).toISOString()}`;
      if (seq !== null && seq >= this.#next) {
        const message = `the noted head${when} is of entry ${seq}, but the log ends before it: it was rolled back or cut`;
        this.report('rolled-back', this.#next, null, message);
      } else {
        const range = seq === null ? `after entry ${sound}` : `from ${sound + 1} to ${seq}`;
        const message = `the noted head${when} is not in this log: something ${range} was altered and the chain made anew`;
        this.report('rewritten', seq === null ? null : sound + 1, null, message);
      }
    }
  }
}

/**
 * Checks an audit log from its first byte, offline: every link, the form and order of every entry, and every
 * head that was noted down elsewhere. Names each entry that was altered, removed, added or moved.
 *
 * What it cannot see by itself is a log that was written anew as a whole: for that give `heads`, and best
 * those that a witness co-signed. Between two noted heads it then says where.
 *
 * @param chunks - the bytes of the log, in order
 */
export async function verifyAuditLog(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: VerifyAuditLogOptions = {},
): Promise<LogVerification> {
  const heads = options.heads ?? [];
  const check = new LogCheck(auditChain(options.sha256), heads.map(wantedHead), options.onRecord);
  for (const head of heads) {
    const problem = await signatureProblem(head, options);
    if (problem !== null) check.report('bad-signature', null, null, problem);
  }
  for await (const lines of linesOf(chunks)) {
    for (const { bytes, whole } of lines) check.add(bytes, whole);
    await yieldToEventLoop();
    options.signal?.throwIfAborted();
  }
  check.end();
  return {
    ok: check.faults.length === 0,
    entries: check.entries,
    head: headHex(check.head),
    faults: check.faults,
    further: check.further,
  };
}

function recordOf(body: Uint8Array): AuditRecord | null {
  try {
    return parseRecord(decoder.decode(body));
  } catch {
    return null; // not UTF-8
  }
}

function isWitnessed(head: SignedHead | WitnessedHead): head is WitnessedHead {
  return 'witnesses' in head;
}

function wantedHead(noted: Checkpoint | WitnessedHead): WantedHead {
  if (typeof noted === 'string') return { hash: noted.toLowerCase(), seq: null, signedAt: null };
  const { hash, seq, time } = isWitnessed(noted) ? noted.head : noted;
  return { hash: hash.toLowerCase(), seq, signedAt: time };
}

async function signatureProblem(
  noted: Checkpoint | WitnessedHead,
  { verifySignature, signers }: VerifyAuditLogOptions,
): Promise<string | null> {
  const demanded = signers?.operator !== undefined || (signers?.witnesses?.length ?? 0) > 0;
  if (typeof noted === 'string') {
    return demanded ? `the noted head ${noted} is a bare hash, which nobody signed` : null;
  }
  if (verifySignature === undefined) {
    if (demanded) throw new TypeError('"verifySignature" expected a function to check "signers"');
    return null;
  }
  const witnessed = isWitnessed(noted) ? noted : { head: noted, witnesses: [] };
  if (witnessed.head.signature === null && !demanded) return null;
  return verifyWitnessedHead(witnessed, verifySignature, signers);
}
