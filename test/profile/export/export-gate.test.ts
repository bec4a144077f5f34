import { describe, expect, it, vi } from 'vitest';
import { contentDigest, verifyDocument } from '../../../src/core/signed-document.ts';
import { epsilonOfPlan } from '../../../src/dp/accounting/index.ts';
import type { PrivacyStatement } from '../../../src/dp/statement.ts';
import { verifyEd25519 } from '../../../src/node/ed25519.ts';
import { EXPORT_PURPOSE } from '../../../src/profile/export/export-gate.ts';
import { validateExportPolicy } from '../../../src/profile/export/export-policy.ts';
import type { ProfileEvent } from '../../../src/profile/index.ts';
import { recordsOf, textOf } from '../audit/fixtures.ts';
import { DAY, START } from '../fixtures.ts';
import { events, exported, exporter, HOUR, newGate, orders, policyJson } from './fixtures.ts';

const refused = (reason: string): object => ({
  code: 'profile/export-refused',
  details: expect.objectContaining({ reason }),
});

function statement(changes: Partial<PrivacyStatement> = {}): PrivacyStatement {
  const plan = {
    unit: 'user',
    relation: 'zero-out-one-user',
    event: { kind: 'gaussian', noiseMultiplier: 5 },
  } as const;
  return {
    unit: 'user',
    relation: plan.relation,
    epsilon: epsilonOfPlan(plan, 1e-6, 'gdp'),
    delta: 1e-6,
    accountant: 'gdp',
    trustModel: { server: 's', otherClients: 'c', modelReaders: 'm' },
    sybilAssumption: 'none',
    bounds: [],
    sideChannelsNotCovered: [],
    insecure: false,
    simulation: null,
    warnings: [],
    ...changes,
  };
}

describe('ExportGate', () => {
  it('lets base data go under names of its own, with listed fields only', async () => {
    const { gate, base, storage } = await newGate();
    const { payload, statement: signed } = await gate.exportData(base());
    expect(payload).toHaveLength(3);
    expect(payload[1]).toEqual({
      person: expect.stringMatching(/^[0-9a-f]{32}$/),
      fields: { article: 'pan', amount: 1 },
    });
    expect(signed.content).toMatchObject({
      dataClass: 'base',
      country: 'SG',
      basis: { by: 'record' },
      retention: 'P2Y',
      digest: contentDigest(payload),
    });
    const key = exporter.publicKey;
    expect(await verifyDocument(EXPORT_PURPOSE, signed, verifyEd25519, key)).toBeNull();
    expect(await recordsOf(storage)).toMatchObject([
      { kind: 'export', destination: 'singapore', digest: signed.content.digest },
    ]);
    const elsewhere = await gate.exportData(base({ destination: 'dublin' }));
    expect(elsewhere.payload[1]).not.toMatchObject({
      person: (payload[1] as { person: string }).person,
    });
  });

  it('lets interaction data go as counts of enough people only', async () => {
    const { gate, watched } = await newGate();
    const { payload, statement: signed } = await gate.exportData(watched({ valueCap: 2 }));
    expect(payload).toEqual([{ tag: 'makeup', day: '2026-05-01', people: 6, total: 12 }]);
    expect(signed.content.deIdentification).toContain('not differentially private');
    const few = watched({ events: events(4, 'makeup') });
    await expect(gate.exportData(few)).rejects.toMatchObject(refused('too-few-people'));
  });

  it('never lets prohibited data go, whatever anybody agreed to', async () => {
    const { gate, base, storage, consentOf } = await newGate();
    const asked = vi.fn(consentOf);
    for (const kind of ['face']) {
      await expect(gate.exportData(base({ kind, consentOf: asked }))).rejects.toMatchObject({
        code: 'profile/prohibited-kind',
      });
    }
    expect(asked).not.toHaveBeenCalled();
    expect(await recordsOf(storage)).toMatchObject([
      { kind: 'export-refused', dataClass: 'biometric', reason: 'prohibited-class' },
    ]);
    // A kind that may be collected, but is biometric, neither.
    const strict = validateExportPolicy(exported, {
      ...policyJson(),
      kinds: { ...policyJson().kinds, 'watch-time': 'biometric' },
    });
    const second = await newGate({ policy: strict });
    await expect(second.gate.exportData(second.watched())).rejects.toMatchObject({
      code: 'profile/prohibited-kind',
    });
    // And no policy can say otherwise.
    const lax = { ...policyJson(), kinds: { face: 'base' }, baseFields: {} };
    expect(() => validateExportPolicy(exported, lax)).toThrow(
      expect.objectContaining({ code: 'profile/invalid-export-policy' }),
    );
  });

  it('wants everybody’s own consent for that recipient', async () => {
    const { gate, base, consentOf } = await newGate();
    const ledger = consentOf('u1');
    ledger.withdraw({ tier: 'essential', recipient: 'lab-sg' });
    await expect(gate.exportData(base())).rejects.toMatchObject(refused('consent-missing'));
    expect((await gate.exportData(base({ destination: 'dublin' }))).payload).toHaveLength(3);
    const without = base({ records: orders(1), consentOf: () => null });
    await expect(gate.exportData(without)).rejects.toMatchObject(refused('consent-missing'));
    // Somebody else's consent is none.
    const swapped = base({ records: orders(1), consentOf: () => consentOf('u2') });
    await expect(gate.exportData(swapped)).rejects.toMatchObject(refused('consent-missing'));
  });

  it('lets nothing go that is from before the consent for that recipient', async () => {
    const { gate, base, watched, consentOf, clock } = await newGate();
    const early = START - 1;
    const mixed = [...orders(2), ...orders(3, early).slice(2)];
    await expect(gate.exportData(base({ records: mixed }))).rejects.toMatchObject(
      refused('before-consent'),
    );
    const [first, ...others] = events(6, 'makeup') as [ProfileEvent, ...ProfileEvent[]];
    const seen = [{ ...first, time: early }, ...others];
    await expect(gate.exportData(watched({ events: seen }))).rejects.toMatchObject(
      refused('before-consent'),
    );
    // Agreeing again covers what comes, not what was.
    const ledger = consentOf('u1');
    const scope = { tier: 'essential', recipient: 'lab-sg' } as const;
    ledger.withdraw(scope);
    clock.time += HOUR;
    ledger.grant({
      scope,
      purposes: ['order-fulfilment'],
      controller: 'platform',
      expiresAt: START + 365 * DAY,
    });
    await expect(gate.exportData(base())).rejects.toMatchObject(refused('before-consent'));
    const { payload } = await gate.exportData(base({ records: orders(2, clock.time) }));
    expect(payload).toHaveLength(2);
  });

  it('lets nothing go that is past its retention, dated ahead or not dated', async () => {
    const { gate, watched, base, clock } = await newGate();
    clock.time = START + 90 * DAY;
    expect((await gate.exportData(watched())).payload).toHaveLength(1);
    clock.time += 1;
    await expect(gate.exportData(watched())).rejects.toMatchObject(refused('past-retention'));
    for (const time of [clock.time + 1, Number.NaN, undefined as unknown as number]) {
      const records = orders(1).map((record) => ({ ...record, time }));
      await expect(gate.exportData(base({ records }))).rejects.toMatchObject(
        refused('in-the-future'),
      );
    }
  });

  it.each([
    ['unknown-destination', { destination: 'mars' }],
    ['unknown-destination', { destination: '__proto__' }],
    ['no-protection', { destination: 'nowhere' }],
    ['kind-not-listed', { kind: 'shoes' }],
    ['purpose-not-declared', { purpose: 'fraud-prevention' }],
    ['negative-list', { kind: 'social-graph', scene: 'live-beauty' }],
    ['assessment-missing', { until: 1e15 }],
    ['too-few-people', { records: [] }],
  ] as const)('refuses for %s: %j, and logs it without data', async (reason, changes) => {
    const { gate, base, storage } = await newGate();
    await expect(gate.exportData(base(changes))).rejects.toMatchObject(refused(reason));
    expect(await recordsOf(storage)).toMatchObject([{ kind: 'export-refused', reason }]);
    expect(await textOf(storage)).not.toContain('street');
  });

  it('wants an attestation that holds', async () => {
    const { gate, base, clock } = await newGate();
    clock.time = Date.UTC(2027, 2, 2);
    const now = { from: clock.time, until: clock.time + 1 };
    await expect(gate.exportData(base(now))).rejects.toMatchObject(refused('attestation-expired'));
    // Setting the clock back helps nobody.
    clock.time = Date.UTC(2026, 5, 1);
    await expect(gate.exportData(base(now))).rejects.toMatchObject(refused('attestation-expired'));
  });

  it('takes many short flows for the long one they are', async () => {
    const { gate, base, clock } = await newGate();
    const start = clock.time;
    const day = (n: number, hours = 12) => {
      clock.time = start + n * DAY;
      return base({ from: clock.time, until: clock.time + hours * HOUR });
    };
    await gate.exportData(day(0));
    expect((await gate.exportData(day(0, 24))).statement.content.basis).toEqual({ by: 'record' });
    await expect(gate.exportData(day(1))).rejects.toMatchObject(refused('assessment-missing'));
    await gate.exportData(day(9));
    // A window in the past does not hide when it happens.
    const backdated = { ...day(10), from: start - 9 * DAY, until: start - 9 * DAY };
    await expect(gate.exportData(backdated)).rejects.toMatchObject(refused('assessment-missing'));
    // The records of one gate are those of the next.
    const next = await newGate({ records: gate.records });
    next.clock.time = start + 10 * DAY;
    const tenth = next.base({ from: next.clock.time, until: next.clock.time + HOUR });
    await expect(next.gate.exportData(tenth)).rejects.toMatchObject(refused('assessment-missing'));
  });

  it('takes two names of one recipient in one country for one', async () => {
    const { singapore } = policyJson().destinations;
    const twice = { ...policyJson().destinations, alias: { ...singapore } };
    const aliased = validateExportPolicy(exported, { ...policyJson(), destinations: twice });
    const { gate, base, clock } = await newGate({ policy: aliased });
    const until = clock.time + 20 * HOUR;
    await gate.exportData(base({ until }));
    clock.time = until;
    const next = { from: until, until: until + 20 * HOUR };
    await expect(gate.exportData(base({ ...next, destination: 'alias' }))).rejects.toMatchObject(
      refused('assessment-missing'),
    );
    // Another recipient is another flow.
    await gate.exportData(base({ ...next, destination: 'dublin' }));
  });

  it('lets one of two flows through that are short alone and long together', async () => {
    const { gate, base, clock } = await newGate();
    const now = clock.time;
    const flows = [
      base({ from: now, until: now + 20 * HOUR }),
      base({ from: now - 5 * HOUR, until: now }),
    ];
    const answers = await Promise.allSettled(flows.map((flow) => gate.exportData(flow)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('lets a continuous flow go on an assessment, for its kinds and while it holds', async () => {
    const { gate, watched, base, clock } = await newGate();
    const long = { from: clock.time, until: clock.time + 90 * DAY };
    const { statement: signed } = await gate.exportData(watched(long));
    expect(signed.content.basis).toEqual({ by: 'assessment', assessedOn: '2026-04-01' });
    const other = base({ ...long, flow: 'stream' });
    await expect(gate.exportData(other)).rejects.toMatchObject(refused('assessment-missing'));
  });

  it('moves what was released with noise while the data stays', async () => {
    const { gate, base, clock } = await newGate();
    const { flow, actor, destination, scene, purpose } = base();
    const request = {
      ...{ flow, actor, destination, scene, purpose, from: clock.time, until: clock.time },
      digest: 'ab'.repeat(32),
      statement: statement(),
    };
    const signed = await gate.exportReleased(request);
    expect(signed.content).toMatchObject({ dataClass: 'released', kind: null });
    expect(signed.content.privacy?.epsilon?.upper).toBeLessThan(2);
    // It carries its own guarantee, so it needs none of the place.
    await gate.exportReleased({ ...request, destination: 'nowhere' });
    for (const bad of [
      { epsilon: null },
      { insecure: true },
      { simulation: 'x' },
      { unit: 'example' },
    ] as const) {
      const poor = { ...request, statement: statement(bad) };
      await expect(gate.exportReleased(poor)).rejects.toMatchObject(
        refused('no-privacy-statement'),
      );
    }
    const loud = statement({ epsilon: { lower: 1, upper: 2.1 } });
    await expect(gate.exportReleased({ ...request, statement: loud })).rejects.toMatchObject(
      refused('epsilon-too-large'),
    );
    // A small epsilon says nothing beside a large delta.
    const hollow = statement({ epsilon: { lower: 0.1, upper: 0.1 }, delta: 0.9 });
    for (const poor of [hollow, statement({ delta: 1.1e-6 }), statement({ delta: Number.NaN })]) {
      await expect(gate.exportReleased({ ...request, statement: poor })).rejects.toMatchObject(
        refused('delta-too-large'),
      );
    }
  });

  it('lets nothing go that the log did not take', async () => {
    const { gate, base, storage } = await newGate();
    storage.append = () => Promise.reject(new Error('disk full'));
    await expect(gate.exportData(base())).rejects.toThrow('disk full');
  });

  it('takes only a policy that was validated', async () => {
    const unchecked = policyJson() as unknown as ReturnType<typeof validateExportPolicy>;
    await expect(newGate({ policy: unchecked })).rejects.toThrow(TypeError);
  });
});

describe('validateExportPolicy', () => {
  it.each([
    ['kinds.shoes', { kinds: { shoes: 'base' } }],
    ['kinds.order', { kinds: { order: 'released' } }],
    ['kinds.social-graph', { kinds: { ...policyJson().kinds, 'social-graph': 'base' } }],
    ['baseFields.watch-time', { baseFields: { 'watch-time': ['minutes'] } }],
    [
      'destinations.x.party',
      { destinations: { x: { ...policyJson().destinations['dublin'], party: 'platform' } } },
    ],
    [
      'destinations.x.party',
      { destinations: { x: { ...policyJson().destinations['dublin'], party: 'merchant' } } },
    ],
    [
      'destinations.x.onward',
      { destinations: { x: { ...policyJson().destinations['dublin'], onward: ['mars'] } } },
    ],
    [
      'destinations.x.attestedOn',
      { destinations: { x: { ...policyJson().destinations['dublin'], attestedOn: '2026-02-30' } } },
    ],
    ['minimumPeople', { minimumPeople: 1 }],
    ['maximumEpsilon', { maximumEpsilon: 0 }],
    ['maximumDelta', { maximumDelta: 1 }],
    ['maximumDelta', { maximumDelta: undefined }],
    ['attestationPeriod', { attestationPeriod: 'a year' }],
    ['negativeList[0]', { negativeList: [{ what: 'order' }] }],
    [
      'assessments[0].destination',
      { assessments: [{ ...policyJson().assessments[0], destination: 'mars' }] },
    ],
    ['extra', { extra: 1 }],
  ])('refuses %s', (path, changes) => {
    expect(() => validateExportPolicy(exported, { ...policyJson(), ...changes })).toThrow(
      expect.objectContaining({
        code: 'profile/invalid-export-policy',
        details: { path },
      }),
    );
  });
});
