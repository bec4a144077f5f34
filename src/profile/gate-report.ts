import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import type { HeadSigner, VerifySignature } from '../core/signed-head.ts';
import type { Clock } from './clock.ts';
import { canonicalBytes } from './consent-receipt.ts';
import { GATE_REFUSALS, type GateRefusal } from './gate-refusal.ts';
import type { GateTally } from './gate-tally.ts';
import { copyPlainJson } from './plain-json.ts';

/** What a gate, or the gates of an edge box together, did in a span of time. Signed, plain JSON. */
export interface GateReport {
  readonly format: typeof FORMAT;
  /** Name of the gate or edge box. */
  readonly gate: string;
  /** 0, 1, 2, … since the reporter was started. */
  readonly serial: number;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly from: number;
  readonly to: number;
  /** Null when too few persons had part in them. */
  readonly counts: {
    readonly admitted: number;
    readonly refusals: Readonly<Partial<Record<GateRefusal, number>>>;
  } | null;
  /** SHA-256 of the report before, in hexadecimal; empty for the first. */
  readonly previous: string;
  /** 128 hexadecimal digits: Ed25519 over everything else. */
  readonly signature: string;
}

/** What a {@link GateReporter} is made from. */
export interface GateReporterOptions {
  readonly gate: string;
  readonly tally: GateTally;
  readonly signer: HeadSigner;
  /** Fewest persons whose events are counted together, at least 2. */
  readonly minimumPersons: number;
  /** Default: the clock of the platform. */
  readonly clock?: Clock;
}

const FORMAT = 'velatura/gate-report/1';
const HEX_32 = /^[0-9a-f]{64}$/;
const HEX_64 = /^[0-9a-f]{128}$/;

/**
 * Reports at intervals what gates let through and what they dropped, signed and chained, so that somebody
 * who watches can tell a gate at work from one that is silent, replaced or bypassed (`GateWatch`).
 *
 * ## Privacy
 * A report says how many events of how many persons together were dropped for which reason. When fewer than
 * `minimumPersons` have part in it the counts are left out and the report is a mere sign of life; on one
 * person's device it is never more. That is a threshold, not differential privacy: reports are for whoever
 * runs the gate, not for publication.
 */
export class GateReporter {
  readonly #options: GateReporterOptions;
  readonly #clock: Clock;
  #serial = 0;
  #from: number;
  #previous = '';
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: GateReporterOptions) {
    const { gate, minimumPersons } = options;
    if (typeof gate !== 'string' || gate === '') throw new TypeError('"gate" expected a name');
    if (!Number.isSafeInteger(minimumPersons) || minimumPersons < 2) {
      throw new RangeError(
        `"minimumPersons" expected an integer of at least 2, got ${minimumPersons}`,
      );
    }
    this.#options = { ...options };
    this.#clock = options.clock ?? Date.now;
    this.#from = this.#clock();
  }

  /** Closes the span that runs and reports it; the next one begins. */
  report(): Promise<GateReport> {
    // Counts are taken now; signing waits its turn, because each report names the one before.
    const { gate, tally, minimumPersons } = this.#options;
    const enough = tally.persons >= minimumPersons;
    const counts = enough
      ? { admitted: tally.admitted, refusals: Object.fromEntries(tally.refusals()) }
      : null;
    tally.reset();
    const [from, to] = [this.#from, Math.max(this.#from, this.#clock())];
    this.#from = to;
    const serial = this.#serial;
    this.#serial += 1;
    const signed = this.#last.then(() => this.#sign({ gate, serial, from, to, counts }));
    // A signer that failed has left a gap in the serials, which the watch sees.
    this.#last = signed.catch(() => undefined);
    return signed;
  }

  async #sign(
    body: Pick<GateReport, 'gate' | 'serial' | 'from' | 'to' | 'counts'>,
  ): Promise<GateReport> {
    const unsigned = { format: FORMAT, ...body, previous: this.#previous } as const;
    const signature = bytesToHex(await this.#options.signer.sign(reportBytes(unsigned)));
    const report = Object.freeze({ ...unsigned, signature });
    this.#previous = reportHash(report);
    return report;
  }
}

/**
 * Checks the signature of a report and returns an immutable copy of it.
 *
 * @param json - parsed JSON, of anybody
 * @param publicKey - 32 bytes, known from elsewhere
 * @throws {VelaturaError} `profile/gate-tampered`
 */
export async function verifyGateReport(
  json: unknown,
  publicKey: Uint8Array,
  verify: VerifySignature,
): Promise<GateReport> {
  const copy = copyPlainJson(json);
  if (!copy.ok || !isReportShaped(copy.value)) throw tampered('it is not well formed');
  const report = copy.value;
  const genuine = await verify(
    Uint8Array.from(publicKey),
    reportBytes(report),
    hexToBytes(report.signature),
  );
  if (genuine !== true) throw tampered('the signature does not hold');
  return report;
}

/** SHA-256 of a report, by which the next one names it. */
export function reportHash(report: GateReport): string {
  return bytesToHex(sha256(canonicalBytes([...reportList(report), report.signature])));
}

/** The refusal of a report; what it says about the gate is in the message. */
export function tampered(message: string): VelaturaError {
  return new VelaturaError('profile/gate-tampered', `report of a gate: ${message}`);
}

function reportBytes(report: Omit<GateReport, 'signature'>): Uint8Array<ArrayBuffer> {
  return canonicalBytes(reportList(report));
}

function reportList(report: Omit<GateReport, 'signature'>): readonly unknown[] {
  const { gate, serial, from, to, counts, previous } = report;
  const list =
    counts === null
      ? null
      : [counts.admitted, ...GATE_REFUSALS.map((reason) => counts.refusals[reason] ?? 0)];
  return [FORMAT, GATE_REFUSALS, gate, serial, from, to, list, previous];
}

function isReportShaped(value: unknown): value is GateReport {
  if (typeof value !== 'object' || value === null) return false;
  const { format, gate, serial, from, to, counts, previous, signature, ...rest } =
    value as GateReport;
  return (
    format === FORMAT &&
    typeof gate === 'string' &&
    isCount(serial) &&
    Number.isSafeInteger(from) &&
    Number.isSafeInteger(to) &&
    from <= to &&
    (counts === null || areCounts(counts)) &&
    typeof previous === 'string' &&
    (previous === '' || HEX_32.test(previous)) &&
    typeof signature === 'string' &&
    HEX_64.test(signature) &&
    Object.keys(rest).length === 0
  );
}

function areCounts(counts: unknown): boolean {
  if (typeof counts !== 'object') return false;
  const { admitted, refusals, ...rest } = counts as NonNullable<GateReport['counts']>;
  return (
    isCount(admitted) &&
    typeof refusals === 'object' &&
    refusals !== null &&
    Object.entries(refusals).every(
      ([reason, count]) => GATE_REFUSALS.some((known) => known === reason) && isCount(count),
    ) &&
    Object.keys(rest).length === 0
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
