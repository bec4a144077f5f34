import type { VerifySignature } from '../core/signed-head.ts';
import { type Clock, MonotoneClock } from './clock.ts';
import type { GateRefusal } from './gate-refusal.ts';
import { type GateReport, reportHash, tampered, verifyGateReport } from './gate-report.ts';

/** What a {@link GateWatch} is made from. */
export interface GateWatchOptions {
  readonly gate: string;
  /** 32 bytes: the key of the gate, as set up. */
  readonly publicKey: Uint8Array;
  readonly verify: VerifySignature;
  /**
   * Longest time between two reports, in milliseconds, before the gate counts as silent; also how far the end
   * of a report may lie from the time here.
   */
  readonly reportEveryMs: number;
  /** Default: the clock of the platform. */
  readonly clock?: Clock;
}

/** What the operator knows from elsewhere about the span of a report. */
export interface GateEvidence {
  /** Events that the operator slipped in and that must be dropped, by the reason for which they must be. */
  readonly probes?: Readonly<Partial<Record<GateRefusal, number>>>;
  /** How many events arrived behind the gate. */
  readonly delivered?: number;
}

/**
 * Watches the reports of one gate from outside, and tells when it is silent or not what it was.
 *
 * It sees a report that is forged, missing, repeated, out of order, kept back or dated ahead, or of another
 * start of the gate; a gate
 * that does not drop what must be dropped, by probes; and events that came by another way, by counting what
 * arrives behind it. It does not see a gate that was replaced by somebody who holds its key and answers the
 * probes rightly.
 */
export class GateWatch {
  readonly #options: GateWatchOptions;
  readonly #clock: MonotoneClock;
  #last: GateReport | null = null;
  #heardAt: number;
  /** Up to where reports reach, of this start of the gate or one before. */
  #reportedTo = Number.NEGATIVE_INFINITY;

  constructor(options: GateWatchOptions) {
    const { reportEveryMs } = options;
    if (!Number.isSafeInteger(reportEveryMs) || reportEveryMs < 1) {
      throw new RangeError(
        `"reportEveryMs" expected an integer of at least 1, got ${reportEveryMs}`,
      );
    }
    this.#options = { ...options, publicKey: Uint8Array.from(options.publicKey) };
    this.#clock = new MonotoneClock(options.clock ?? Date.now);
    this.#heardAt = this.#clock.now();
  }

  /** True when no good report has come for too long. */
  get silent(): boolean {
    return this.#clock.now() > this.#heardAt + this.#options.reportEveryMs;
  }

  /**
   * Takes the next report in.
   *
   * @param json - parsed JSON, of anybody
   * @throws {VelaturaError} `profile/gate-tampered`, with what is wrong in the message; the report then does
   * not count as heard
   */
  async accept(json: unknown, evidence: GateEvidence = {}): Promise<GateReport> {
    const { gate, publicKey, verify, reportEveryMs } = this.#options;
    const report = await verifyGateReport(json, publicKey, verify);
    if (report.gate !== gate) throw tampered('it is of another gate');
    const last = this.#last;
    if (report.serial !== (last === null ? 0 : last.serial + 1)) {
      throw tampered(
        `expected number ${last === null ? 0 : last.serial + 1}, got ${report.serial}`,
      );
    }
    if (report.previous !== (last === null ? '' : reportHash(last))) {
      throw tampered('it does not follow from the one before');
    }
    const now = this.#clock.now();
    if (Math.abs(report.to - now) > reportEveryMs) throw tampered('it is not of now');
    if (report.from < this.#reportedTo) throw tampered('it reaches back into an earlier one');
    checkEvidence(report, evidence);
    this.#last = report;
    this.#reportedTo = report.to;
    this.#heardAt = now;
    return report;
  }

  /** Begins again with a gate that was started anew on purpose: its next report has number 0. */
  expectRestart(): void {
    this.#last = null;
  }
}

function checkEvidence(report: GateReport, evidence: GateEvidence): void {
  const { probes = {}, delivered } = evidence;
  const { counts } = report;
  // Without counts there is nothing to compare; the operator sees that in the report.
  if (counts === null) return;
  for (const [reason, expected] of Object.entries(probes)) {
    const dropped = counts.refusals[reason as GateRefusal] ?? 0;
    if (dropped < expected) {
      throw tampered(`expected at least ${expected} dropped as "${reason}", got ${dropped}`);
    }
  }
  if (delivered !== undefined && delivered > counts.admitted) {
    throw tampered(`${delivered} events arrived behind a gate that admitted ${counts.admitted}`);
  }
}
