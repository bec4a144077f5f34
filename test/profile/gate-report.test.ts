import { describe, expect, it } from 'vitest';
import type { HeadSigner } from '../../src/core/signed-head.ts';
import { ed25519Signer, generateEd25519Seed, verifyEd25519 } from '../../src/node/index.ts';
import {
  CollectionGate,
  type GateReport,
  GateReporter,
  GateTally,
  GateWatch,
  type GateWatchOptions,
  verifyGateReport,
} from '../../src/profile/index.ts';
import { DAY, grantAll, newLedger, order, START, TestClock } from './fixtures.ts';

const TAMPERED = expect.objectContaining({ code: 'profile/gate-tampered' });
const signer = ed25519Signer(generateEd25519Seed());
const MINUTE = 60_000;

function edge(persons: readonly string[], by: HeadSigner = signer) {
  const clock = new TestClock();
  clock.time = START + 2 * DAY;
  const tally = new GateTally();
  const delivered: unknown[] = [];
  const gates = persons.map((person) => {
    const own = new TestClock();
    const consent = newLedger(own, { person });
    grantAll(consent);
    own.time = START + 2 * DAY;
    return new CollectionGate({
      consent,
      purpose: 'recommendation',
      collect: (event) => delivered.push(event),
      tally,
    });
  });
  const reporter = new GateReporter({
    gate: 'edge-1',
    tally,
    signer: by,
    minimumPersons: 3,
    clock: clock.read,
  });
  const pass = (): void => {
    persons.forEach((user, i) => {
      gates[i]!.offer(order({ user }));
      gates[i]!.offer(order({ user, kind: 'face' }));
    });
  };
  return { clock, tally, delivered, reporter, pass };
}

function watch(clock: TestClock, change: Partial<GateWatchOptions> = {}): GateWatch {
  return new GateWatch({
    gate: 'edge-1',
    publicKey: signer.publicKey,
    verify: verifyEd25519,
    reportEveryMs: 5 * MINUTE,
    clock: clock.read,
    ...change,
  });
}

const plain = (report: GateReport): Record<string, unknown> => JSON.parse(JSON.stringify(report));

describe('reports of a gate', () => {
  it('say what was admitted and dropped since the one before, signed', async () => {
    const { clock, reporter, pass, delivered } = edge(['a', 'b', 'c']);
    const watcher = watch(clock);
    pass();
    const first = await watcher.accept(plain(await reporter.report()), {
      probes: { 'prohibited-kind': 3 },
      delivered: delivered.length,
    });
    expect(first).toMatchObject({
      serial: 0,
      previous: '',
      counts: { admitted: 3, refusals: { 'prohibited-kind': 3 } },
    });
    clock.time += MINUTE;
    pass();
    pass();
    const second = await watcher.accept(plain(await reporter.report()));
    expect(second).toMatchObject({
      serial: 1,
      from: first.to,
      to: first.to + MINUTE,
      counts: { admitted: 6, refusals: { 'prohibited-kind': 6 } },
    });
    expect(JSON.stringify(second)).not.toMatch(/kitchen|live-food|"a"/);
  });

  it('say no number of too few persons, in any span of time', async () => {
    const { reporter, pass } = edge(['a', 'b']);
    for (let i = 0; i < 5; i++) pass();
    expect(await reporter.report()).toMatchObject({ counts: null });
    const three = edge(['a', 'b', 'c']);
    three.pass();
    expect((await three.reporter.report()).counts).not.toBeNull();
    // The persons of the last span do not count for this one.
    expect((await three.reporter.report()).counts).toBeNull();
  });

  it('follow one another though they are asked for at once', async () => {
    const { clock, reporter } = edge([]);
    const watcher = watch(clock);
    const reports = await Promise.all([reporter.report(), reporter.report(), reporter.report()]);
    for (const report of reports) await watcher.accept(report);
    expect(reports.map((report) => report.serial)).toEqual([0, 1, 2]);
  });

  it('want a name and at least two persons', () => {
    const options = { gate: 'edge-1', tally: new GateTally(), signer, minimumPersons: 3 };
    expect(() => new GateReporter({ ...options, gate: '' })).toThrow(TypeError);
    expect(() => new GateReporter({ ...options, minimumPersons: 1 })).toThrow(RangeError);
    expect(() => watch(new TestClock(), { reportEveryMs: 0 })).toThrow(RangeError);
  });
});

describe('somebody who watches', () => {
  it('sees a silent gate', async () => {
    const { clock, reporter } = edge([]);
    const watcher = watch(clock);
    expect(watcher.silent).toBe(false);
    clock.time += 5 * MINUTE + 1;
    expect(watcher.silent).toBe(true);
    await watcher.accept(await reporter.report());
    expect(watcher.silent).toBe(false);
    clock.time += 5 * MINUTE + 1;
    // A bad report is no sign of life, nor is a clock set back.
    await expect(watcher.accept({})).rejects.toThrow(TAMPERED);
    expect(watcher.silent).toBe(true);
    clock.time -= 10 * MINUTE;
    expect(watcher.silent).toBe(true);
  });

  it('sees every altered field', async () => {
    const { reporter, pass } = edge(['a', 'b', 'c']);
    pass();
    const report = await reporter.report();
    const forgeries: ((json: Record<string, unknown>) => void)[] = [
      (r) => (r['gate'] = 'edge-2'),
      (r) => (r['serial'] = 1),
      (r) => (r['from'] = START),
      (r) => (r['to'] = START + 9 * DAY),
      (r) => (r['previous'] = 'f'.repeat(64)),
      (r) => (r['counts'] = null),
      (r) => ((r['counts'] as { admitted: number }).admitted = 0),
      (r) => ((r['counts'] as { refusals: object }).refusals = {}),
      (r) => Object.assign((r['counts'] as { refusals: object }).refusals, { 'opted-out': 1 }),
      (r) => Object.assign((r['counts'] as { refusals: object }).refusals, { toString: 1 }),
      (r) => (r['signature'] = '0'.repeat(128)),
      (r) => (r['extra'] = 1),
      (r) => Reflect.deleteProperty(r, 'counts'),
    ];
    expect(await verifyGateReport(plain(report), signer.publicKey, verifyEd25519)).toEqual(report);
    for (const forge of forgeries) {
      const json = plain(report);
      forge(json);
      await expect(
        verifyGateReport(json, signer.publicKey, verifyEd25519),
        forge.toString(),
      ).rejects.toThrow(TAMPERED);
    }
    const forger = ed25519Signer(generateEd25519Seed());
    await expect(verifyGateReport(report, forger.publicKey, verifyEd25519)).rejects.toThrow(
      TAMPERED,
    );
  });

  it('sees a report left out, repeated, or of another start or gate', async () => {
    const { clock, reporter } = edge([]);
    const reports = [await reporter.report(), await reporter.report(), await reporter.report()];
    const watcher = watch(clock);
    await expect(watcher.accept(reports[1])).rejects.toThrow(TAMPERED);
    await watcher.accept(reports[0]);
    await expect(watcher.accept(reports[2])).rejects.toThrow(TAMPERED);
    await expect(watcher.accept(reports[0])).rejects.toThrow(TAMPERED);
    await watcher.accept(reports[1]);
    const restarted = edge([]);
    restarted.clock.time += MINUTE;
    const first = await restarted.reporter.report();
    await expect(watcher.accept(first)).rejects.toThrow(TAMPERED);
    // A second gate under the same key, whose third report has the right number and time but another past.
    const second = edge(['a', 'b', 'c']);
    second.pass();
    await second.reporter.report();
    await second.reporter.report();
    await expect(watcher.accept(await second.reporter.report())).rejects.toThrow(TAMPERED);
    await watcher.accept(reports[2]);
    watcher.expectRestart();
    await watcher.accept(first);
    const elsewhere = watch(clock, { gate: 'edge-2' });
    await expect(elsewhere.accept(reports[0])).rejects.toThrow(TAMPERED);
  });

  it('sees a report that is not of now, or of a time that was reported before', async () => {
    const { clock, reporter } = edge([]);
    const report = await reporter.report();
    const late = new TestClock();
    late.time = clock.time + 5 * MINUTE + 1;
    await expect(watch(late).accept(report)).rejects.toThrow(TAMPERED);
    late.time = clock.time - 5 * MINUTE - 1;
    await expect(watch(late).accept(report)).rejects.toThrow(TAMPERED);
    late.time = clock.time - 5 * MINUTE;
    await expect(watch(late).accept(report)).resolves.toEqual(report);
    const watcher = watch(clock);
    clock.time += MINUTE;
    await watcher.accept(report);
    await watcher.accept(await reporter.report());
    // Started anew, it must not report the last minute a second time.
    const again = edge([]);
    again.clock.time = clock.time;
    watcher.expectRestart();
    await expect(watcher.accept(await again.reporter.report())).rejects.toThrow(TAMPERED);
  });

  it('sees a gate that lets probes through, and one that is bypassed', async () => {
    const { clock, reporter, pass } = edge(['a', 'b', 'c']);
    pass();
    const report = await reporter.report();
    for (const evidence of [
      { probes: { 'prohibited-kind': 4 } },
      { probes: { 'other-person': 1 } },
      { delivered: 4 },
    ]) {
      await expect(watch(clock).accept(report, evidence)).rejects.toThrow(TAMPERED);
    }
    const evidence = { probes: { 'prohibited-kind': 3 }, delivered: 3 };
    await expect(watch(clock).accept(report, evidence)).resolves.toEqual(report);
  });

  it('sees the gap that a signer leaves when it fails', async () => {
    let fails = true;
    const flaky: HeadSigner = {
      publicKey: signer.publicKey,
      sign: (message) => {
        if (fails) throw new Error('the key store is locked');
        return signer.sign(message);
      },
    };
    const { clock, reporter } = edge([], flaky);
    await expect(reporter.report()).rejects.toThrow('locked');
    fails = false;
    const next = await reporter.report();
    expect(next.serial).toBe(1);
    await expect(watch(clock).accept(next)).rejects.toThrow(TAMPERED);
  });
});
