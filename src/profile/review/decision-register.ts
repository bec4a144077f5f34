import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { contentDigest, type SignedDocument, signDocument } from '../../core/signed-document.ts';
import type { HeadSigner, SignedHead } from '../../core/signed-head.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ReviewOutcome } from '../audit/audit-record.ts';
import { type Clock, MonotoneClock } from '../clock.ts';
import { parsePeriod } from '../period.ts';
import { requireScene } from '../scenes.ts';
import type { ProfileSchema } from '../schema.ts';

/** A decision with a significant effect on somebody: a price, a credit line, an account that is closed. */
export interface SignificantDecision {
  /** Account id of the person; the log keeps its own name for it. */
  readonly account: string;
  readonly scene: string;
  /** System that decided, such as a model and its version. */
  readonly actor: string;
  /** What was decided, in words for the person. */
  readonly decision: string;
  /** What it rests on, in words for the person: tags with their probabilities, rules. */
  readonly reasons: readonly string[];
}

/** How a decision came out on review. */
export interface ReviewResult {
  /** A human being, of the policy's reviewers. */
  readonly reviewer: string;
  readonly outcome: ReviewOutcome;
  /** In words for the person. */
  readonly reasons: string;
  /** What is done to make up for it; needed for `overturned`, null else. */
  readonly remedy: string | null;
}

/** Rules of review. */
export interface ReviewPolicy {
  /** People who may review. */
  readonly reviewers: readonly string[];
  /** How long a person may object: an ISO 8601 period such as `P60D`. */
  readonly objectWithin: string;
  /** How long an answer may take, such as `P15D`. */
  readonly answerWithin: string;
  /** True when a decision has no effect from objection to review. */
  readonly suspendOnObjection: boolean;
}

/** Where a decision stands. */
export type DecisionState = 'made' | 'objected' | ReviewOutcome;

/** Everything about one decision that its person may see. */
export interface DecisionFile {
  /** SHA-256 of the handle, in hexadecimal: names the decision in the log without letting anybody object. */
  readonly id: string;
  readonly scene: string;
  readonly actor: string;
  readonly decision: string;
  readonly reasons: readonly string[];
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly madeAt: number;
  readonly state: DecisionState;
  readonly objection: { readonly at: number; readonly text: string } | null;
  readonly review: (ReviewResult & { readonly at: number }) | null;
  /** Numbers of the entries of the audit log about it. */
  readonly entries: readonly number[];
  /** 32 hexadecimal digits, random and not in the log: without it the digests there would tell guessable words. */
  readonly salt: string;
}

/** What a person can show to a court or an authority. */
export interface Evidence {
  readonly version: 1;
  readonly file: DecisionFile;
  /** Where the audit log stood; the entries of the file are before it. */
  readonly head: SignedHead;
}

/** Text of an {@link Evidence} signature. */
export const EVIDENCE_PURPOSE = 'decision-evidence';

/** What a {@link DecisionRegister} is made from. */
export interface DecisionRegisterOptions {
  readonly schema: ProfileSchema;
  readonly log: AuditLog;
  readonly policy: ReviewPolicy;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
}

interface Entry {
  file: DecisionFile;
}

const HANDLE_BYTES = 16;
const SALT_BYTES = 16;
const MAX_WORDS = 4096;

/**
 * Decisions with a significant effect, each with a handle by which its person can object and have a human being
 * look at it (PIPL Art. 24, GDPR Art. 22). Every step is in the audit log, durable, before it takes effect.
 *
 * ## Privacy
 * Holds what was decided about people, in memory: keep it as their profiles are kept. The log gets digests only,
 * salted, so that whoever reads it cannot try out what may have been decided about somebody.
 */
export class DecisionRegister {
  readonly #schema: ProfileSchema;
  readonly #log: AuditLog;
  readonly #policy: ReviewPolicy;
  readonly #clock: MonotoneClock;
  readonly #objectMs: number;
  readonly #answerMs: number;
  readonly #entries = new Map<string, Entry>();

  /** @throws RangeError for a malformed period, or without reviewers */
  constructor(options: DecisionRegisterOptions) {
    const { policy } = options;
    if (policy.reviewers.length === 0) {
      throw new RangeError('"reviewers" expected at least one human being');
    }
    this.#schema = options.schema;
    this.#log = options.log;
    this.#policy = policy;
    this.#clock = new MonotoneClock(options.clock ?? Date.now);
    this.#objectMs = periodOf('objectWithin', policy.objectWithin);
    this.#answerMs = periodOf('answerWithin', policy.answerWithin);
  }

  /**
   * Notes a decision.
   *
   * @returns the handle, 32 hexadecimal digits, to be given to the person with the decision; whoever has it can
   * object and see the file
   * @throws {VelaturaError} `data/unknown-scene`; `data/unwritable` when the log cannot be written, and then the
   * decision must not take effect
   */
  async decide(decision: SignificantDecision): Promise<string> {
    const { account, scene, actor } = decision;
    requireScene(this.#schema, scene);
    const words = requireWords('decision', decision.decision);
    if (decision.reasons.length === 0) throw new RangeError('"reasons" expected at least one');
    const reasons = decision.reasons.map((reason) => requireWords('reasons', reason));
    const handle = randomHex(HANDLE_BYTES);
    const id = idOf(handle);
    const madeAt = this.#clock.now();
    const salt = randomHex(SALT_BYTES);
    const digest = decisionDigest(salt, words, reasons);
    const subject = this.#log.subject(account);
    const seq = this.#log.append({ kind: 'decision', actor, decision: id, scene, subject, digest });
    const open = { state: 'made', objection: null, review: null } as const;
    const told = { id, scene, actor, decision: words, reasons, madeAt };
    const file = { ...told, ...open, entries: [seq], salt };
    await this.#log.flush();
    this.#entries.set(id, { file });
    return handle;
  }

  /**
   * The person objects.
   *
   * @param text - in the person's words
   * @throws {VelaturaError} `profile/unknown-decision`; `profile/review-out-of-turn` a second time, or after the
   * time for it; `data/unwritable`
   */
  async object(handle: string, text: string): Promise<DecisionFile> {
    const entry = this.#entryOf(handle);
    const { file } = entry;
    const at = this.#clock.now();
    if (file.state !== 'made') throw outOfTurn(`the decision is ${file.state} already`, file);
    if (at >= file.madeAt + this.#objectMs) throw outOfTurn('the time to object is over', file);
    const words = requireWords('text', text);
    const digest = objectionDigest(file.salt, words);
    const seq = this.#log.append({ kind: 'objection', decision: file.id, digest });
    // At once: a second objection must not slip in while this one is written.
    entry.file = {
      ...file,
      state: 'objected',
      objection: { at, text: words },
      entries: [...file.entries, seq],
    };
    await this.#log.flush();
    return entry.file;
  }

  /**
   * A human being decides about an objection.
   *
   * @param id - of the decision, as in {@link open}
   * @throws {VelaturaError} `profile/unknown-decision`; `profile/review-out-of-turn` when nobody objected, it was
   * reviewed before, or the reviewer is none of the policy or is who decided; `data/unwritable`
   * @throws RangeError without reasons, or when an overturned decision has no remedy
   */
  async review(id: string, result: ReviewResult): Promise<DecisionFile> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw unknown();
    const { file } = entry;
    const { reviewer, outcome, remedy } = result;
    if (file.state !== 'objected') throw outOfTurn(`the decision is ${file.state}`, file);
    if (!this.#policy.reviewers.includes(reviewer)) {
      throw outOfTurn('the reviewer is none of the policy', file);
    }
    if (reviewer === file.actor) throw outOfTurn('nobody reviews what they decided', file);
    const reasons = requireWords('reasons', result.reasons);
    if ((outcome === 'overturned') !== (remedy !== null)) {
      throw new RangeError('"remedy" expected exactly where a decision is overturned');
    }
    const kept = {
      reviewer,
      outcome,
      reasons,
      remedy: remedy === null ? null : requireWords('remedy', remedy),
    };
    const at = this.#clock.now();
    const seq = this.#log.append({
      kind: 'review',
      actor: reviewer,
      decision: id,
      outcome,
      digest: reviewDigest(file.salt, kept),
    });
    entry.file = {
      ...file,
      state: outcome,
      review: { ...kept, at },
      entries: [...file.entries, seq],
    };
    await this.#log.flush();
    return entry.file;
  }

  /** The file of a decision, for its person. @throws {VelaturaError} `profile/unknown-decision` */
  file(handle: string): DecisionFile {
    return this.#entryOf(handle).file;
  }

  /**
   * Whether a decision may have its effect now: not after it was overturned, and under `suspendOnObjection` not
   * while an objection waits.
   *
   * @throws {VelaturaError} `profile/unknown-decision`
   */
  isInForce(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw unknown();
    const { state } = entry.file;
    return state === 'objected' ? !this.#policy.suspendOnObjection : state !== 'overturned';
  }

  /** Objections that wait for a review, oldest first; `overdue` when the time for an answer is over. */
  open(): readonly { readonly id: string; readonly since: number; readonly overdue: boolean }[] {
    const now = this.#clock.now();
    return [...this.#entries.values()]
      .flatMap(({ file }) =>
        file.state === 'objected' && file.objection !== null
          ? [{ id: file.id, since: file.objection.at }]
          : [],
      )
      .map(({ id, since }) => ({ id, since, overdue: now >= since + this.#answerMs }))
      .sort((a, b) => a.since - b.since);
  }

  /**
   * Everything about a decision, signed, for its person to keep and show. Holds nothing about others.
   *
   * @throws {VelaturaError} `profile/unknown-decision`
   */
  async evidence(handle: string, signer: HeadSigner): Promise<SignedDocument<Evidence>> {
    const { file } = this.#entryOf(handle);
    const head = await this.#log.head();
    return signDocument(EVIDENCE_PURPOSE, { version: 1, file, head }, signer);
  }

  #entryOf(handle: string): Entry {
    const entry = typeof handle === 'string' ? this.#entries.get(idOf(handle)) : undefined;
    if (entry === undefined) throw unknown();
    return entry;
  }
}

/**
 * The digests that the log holds about a decision, in the order of the file's entries: whoever is shown the file
 * holds them against the log.
 */
export function decisionDigests(file: DecisionFile): readonly string[] {
  const { salt, decision, reasons, objection, review } = file;
  const digests = [decisionDigest(salt, decision, reasons)];
  if (objection !== null) digests.push(objectionDigest(salt, objection.text));
  if (review !== null) {
    const { at: _at, ...result } = review;
    digests.push(reviewDigest(salt, result));
  }
  return digests;
}

function decisionDigest(salt: string, words: string, reasons: readonly string[]): string {
  return contentDigest(['decision', salt, words, reasons]);
}

function objectionDigest(salt: string, words: string): string {
  return contentDigest(['objection', salt, words]);
}

function reviewDigest(salt: string, result: ReviewResult): string {
  return contentDigest(['review', salt, result]);
}

function randomHex(length: number): string {
  return bytesToHex(globalThis.crypto.getRandomValues(new Uint8Array(length)));
}

/** A handle is 128 random bits, so its hash gives nothing away. */
function idOf(handle: string): string {
  return bytesToHex(sha256(utf8ToBytes(`velatura-decision-v1 ${handle}`)));
}

function periodOf(name: string, period: string): number {
  const found = parsePeriod(period);
  if (found === null)
    throw new RangeError(`"${name}" expected a period such as P30D, got "${period}"`);
  return found;
}

function requireWords(name: string, words: string): string {
  const fits =
    typeof words === 'string' &&
    words.trim() !== '' &&
    words.length <= MAX_WORDS &&
    isWellFormedText(words);
  if (!fits) throw new RangeError(`"${name}" expected 1 to ${MAX_WORDS} characters of text`);
  return words;
}

function outOfTurn(message: string, { id, state }: DecisionFile): VelaturaError {
  return new VelaturaError('profile/review-out-of-turn', message, { decision: id, state });
}

function unknown(): VelaturaError {
  return new VelaturaError(
    'profile/unknown-decision',
    'no decision was made under that handle or id',
  );
}
