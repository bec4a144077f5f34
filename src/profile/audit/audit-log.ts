import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { ChainEntry, ChainHead, HashChain, Sha256 } from '../../core/hash-chain.ts';
import { type HeadSigner, type SignedHead, signHead } from '../../core/signed-head.ts';
import { type Clock, MonotoneClock } from '../clock.ts';
import { deriveKey } from '../pseudonym.ts';
import { lineLength, MAX_LINE, writeLine } from './audit-line.ts';
import { type AuditFact, recordJson } from './audit-record.ts';
import type { AuditStorage } from './audit-storage.ts';
import { auditChain, type VerifyAuditLogOptions, verifyAuditLog } from './verify-log.ts';

/** What an {@link AuditLog} is opened with. */
export interface AuditLogOptions
  extends Pick<VerifyAuditLogOptions, 'heads' | 'verifySignature' | 'signers'> {
  readonly storage: AuditStorage;
  /**
   * At least 32 random bytes, for the names of people in this log only. Whoever has it can find a person in the
   * log; destroying it makes the names those of nobody.
   */
  readonly subjectSecret: Uint8Array;
  /** Signs heads; without one they prove nothing to others. */
  readonly signer?: HeadSigner;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
  readonly sha256?: Sha256;
}

const SUBJECT_BYTES = 16;
const encoder = new TextEncoder();

/**
 * An append-only log of who used which personal data for what, and of every decision, objection and export:
 * hash-chained, with heads that the operator signs and a witness may co-sign.
 *
 * ## Privacy
 * Entries hold names of tags, scenes and parties and keyed names of people, never a value and never an account
 * id. A chain cannot forget: a person is erased from it by destroying `subjectSecret` together with the log's
 * period of retention, so begin a new log with a new secret for each period.
 */
export class AuditLog {
  readonly #storage: AuditStorage;
  readonly #chain: HashChain;
  readonly #clock: MonotoneClock;
  readonly #signer: HeadSigner | null;
  readonly #subjectKey: Uint8Array;
  #last: ChainHead;
  #time: number;
  /** Entries that are chained and not yet durable. */
  #pending: ChainEntry[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #broken: unknown = null;
  #closed = false;

  private constructor(options: AuditLogOptions, chain: HashChain, last: ChainHead, time: number) {
    this.#storage = options.storage;
    this.#chain = chain;
    this.#clock = new MonotoneClock(options.clock ?? Date.now);
    this.#signer = options.signer ?? null;
    this.#subjectKey = deriveKey(options.subjectSecret, 'audit-subject');
    this.#last = last;
    this.#time = time;
  }

  /**
   * Opens a log and checks it from its first byte. The half line of a writer that was stopped is cut off: nobody
   * was told that it is there. A log that was rolled back or written anew as a whole shows only by `heads` that
   * were noted down elsewhere: give those of the last session.
   *
   * @throws {VelaturaError} `core/broken-chain` when anything in it was altered, or a noted head is not in it; details
   * name the entry; the storage is closed then
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    try {
      return await AuditLog.#opened(options);
    } catch (error) {
      await options.storage.close();
      throw error;
    }
  }

  static async #opened(options: AuditLogOptions): Promise<AuditLog> {
    const chain = auditChain(options.sha256);
    let length = 0;
    let end = 0;
    let time = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of options.storage.read()) {
        const feed = chunk.lastIndexOf(10);
        if (feed >= 0) end = length + feed + 1;
        length += chunk.length;
        yield chunk;
      }
    };
    const found = await verifyAuditLog(counted(), {
      ...options,
      onRecord: (record) => {
        time = record.time;
      },
    });
    const fault = found.faults.find(({ kind }) => kind !== 'torn-end');
    if (fault !== undefined) {
      throw new VelaturaError('core/broken-chain', fault.message, {
        seq: fault.seq,
        fault: fault.kind,
      });
    }
    const log = new AuditLog(options, chain, chainHead(found.entries, found.head), time);
    if (end < length) await options.storage.truncate(end);
    return log;
  }

  /** Number of entries. */
  get length(): number {
    return this.#last.seq + 1;
  }

  /**
   * The name of a person in this log, 32 hexadecimal digits.
   *
   * @param account - well-formed text, as the application knows the person
   */
  subject(account: string): string {
    if (typeof account !== 'string' || account === '' || !isWellFormedText(account)) {
      throw new TypeError('"account" expected a well-formed string that is not empty');
    }
    const image = hmac(nobleSha256, this.#subjectKey, utf8ToBytes(account));
    return bytesToHex(image.subarray(0, SUBJECT_BYTES));
  }

  /**
   * Chains an entry at once; it is durable after the next {@link flush}.
   *
   * @returns number of the entry
   * @throws {VelaturaError} `data/unwritable` when the log is closed or an earlier write failed
   * @throws TypeError for a fact that is none
   * @throws RangeError for one whose line is longer than readers take
   */
  append(fact: AuditFact): number {
    if (this.#closed || this.#broken !== null) throw this.#unusable();
    const seq = this.#last.seq + 1;
    this.#time = Math.max(this.#time, this.#clock.now());
    const body = encoder.encode(recordJson(fact, seq, this.#time));
    if (lineLength(body) > MAX_LINE) {
      throw new RangeError(
        `"fact" expected a line of at most ${MAX_LINE} bytes, got ${lineLength(body)}: note it in parts`,
      );
    }
    const entry = this.#chain.append(this.#last, body);
    this.#last = { seq, hash: entry.hash };
    this.#pending.push(entry);
    return seq;
  }

  /**
   * Makes durable what was appended before the call.
   *
   * @throws {VelaturaError} `data/unwritable`; the log then takes nothing more until it is opened again
   */
  flush(): Promise<void> {
    const next = this.#flushing.then(() => this.#write());
    this.#flushing = next.catch(() => {});
    return next;
  }

  /**
   * Where the log stands, durable and signed where there is a signer: keep it elsewhere, and show it to a
   * `HeadWitness`.
   */
  async head(): Promise<SignedHead> {
    const last = this.#last;
    const time = Math.max(this.#time, this.#clock.now());
    await this.flush();
    return signHead(last, time, this.#signer);
  }

  /** Makes everything durable and takes nothing more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      await this.#storage.close();
    }
  }

  async #write(): Promise<void> {
    if (this.#broken !== null) throw this.#unusable();
    const entries = this.#pending;
    if (entries.length === 0) return;
    this.#pending = [];
    const length = entries.reduce((sum, { body }) => sum + lineLength(body), 0);
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const entry of entries) at = writeLine(entry, bytes, at);
    try {
      await this.#storage.append(bytes);
    } catch (error) {
      this.#broken = error;
      throw error;
    }
  }

  #unusable(): VelaturaError {
    return new VelaturaError(
      'data/unwritable',
      this.#broken === null ? 'the audit log is closed' : 'an earlier write of the log failed',
      {},
      { cause: this.#broken },
    );
  }
}

function chainHead(entries: number, hex: string): ChainHead {
  const hash = new Uint8Array(hex.length / 2);
  for (let i = 0; i < hash.length; i++) hash[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return { seq: entries - 1, hash };
}
