import { ed25519Signer } from '../../../src/node/ed25519.ts';
import { MemoryAuditStorage } from '../../../src/profile/audit/audit-storage.ts';
import type { BaseRecord } from '../../../src/profile/export/de-identify.ts';
import {
  ExportGate,
  type ExportGateOptions,
  type PersonalExport,
} from '../../../src/profile/export/export-gate.ts';
import {
  type ExportPolicy,
  validateExportPolicy,
} from '../../../src/profile/export/export-policy.ts';
import {
  ConsentLedger,
  type ProfileEvent,
  type ProfileSchema,
  validateSchema,
} from '../../../src/profile/index.ts';
import { newLog } from '../audit/fixtures.ts';
import { DAY, KEY, START, schemaJson, type TestClock } from '../fixtures.ts';

export const HOUR = 3_600_000;
export const exporter = ed25519Signer(new Uint8Array(32).fill(11));

/** The schema of the other tests, with two recipients abroad. */
export const exported: ProfileSchema = validateSchema({
  ...schemaJson(),
  parties: {
    ...schemaJson().parties,
    'lab-sg': { role: 'recipient', type: 'agency', abroad: true },
    'shop-eu': { role: 'recipient', type: 'merchant', abroad: true },
  },
  kinds: Object.fromEntries(
    Object.entries(schemaJson().kinds).map(([name, kind]) => [
      name,
      kind['tier'] === 'prohibited' ? kind : { ...kind, recipients: ['lab-sg', 'shop-eu'] },
    ]),
  ),
});

/** A fresh, mutable export policy. */
export function policyJson() {
  return {
    kinds: {
      order: 'base',
      'watch-time': 'interaction',
      'social-graph': 'interaction',
      face: 'biometric',
    } as Record<string, string>,
    baseFields: { order: ['article', 'amount'] } as Record<string, string[]>,
    destinations: {
      singapore: {
        party: 'lab-sg',
        country: 'SG',
        protection: 'contract',
        attestedOn: '2026-03-01',
        onward: ['dublin'],
      },
      dublin: {
        party: 'shop-eu',
        country: 'IE',
        protection: 'equivalent',
        attestedOn: '2026-03-01',
        onward: [],
      },
      nowhere: {
        party: 'lab-sg',
        country: 'XX',
        protection: 'none',
        attestedOn: '2026-03-01',
        onward: [],
      },
    } as Record<string, Record<string, unknown>>,
    negativeList: [{ what: 'social-graph', where: '*' }],
    assessments: [
      {
        flow: 'stream',
        destination: 'singapore',
        kinds: ['watch-time', 'released'],
        assessedOn: '2026-04-01',
      },
    ],
    attestationPeriod: 'P365D',
    assessmentPeriod: 'P730D',
    minimumPeople: 5,
    maximumEpsilon: 2,
    maximumDelta: 1e-6,
  };
}

export const policy: ExportPolicy = validateExportPolicy(exported, policyJson());

/** A ledger of a person who agreed to everything at that time, also that it goes to both recipients. */
function agreeingLedger(person: string, clock: TestClock, agreedAt: number): ConsentLedger {
  let read = (): number => agreedAt;
  const ledger = new ConsentLedger({
    schema: exported,
    person,
    key: KEY,
    noticeVersion: 1,
    clock: () => read(),
  });
  const expiresAt = START + 365 * DAY;
  const scopes = [
    { tier: 'essential' },
    { tier: 'enhanced', scene: 'live-beauty' },
    { tier: 'restricted', scene: 'live-beauty', kind: 'social-graph', explicit: true },
  ] as const;
  const parties = ['lab-sg', 'shop-eu'];
  for (const scope of scopes) {
    const terms = {
      purposes: ['recommendation', 'order-fulfilment'],
      controller: 'platform',
      expiresAt,
    } as const;
    ledger.grant({ ...terms, scope });
    for (const recipient of parties) ledger.grant({ ...terms, scope: { ...scope, recipient } });
  }
  read = clock.read;
  return ledger;
}

export const orders = (count: number, time = START): BaseRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    account: `u${i}`,
    time,
    fields: { article: 'pan', amount: i, address: `street ${i}` },
  }));

export const events = (people: number, tag: string): ProfileEvent[] =>
  Array.from({ length: people }, (_, i) => ({
    user: `u${i}`,
    time: START + i,
    scene: 'live-beauty',
    kind: 'watch-time',
    tag,
    value: 3,
  }));

/** A gate with a log, and people who agreed to everything. */
export async function newGate(changes: Partial<ExportGateOptions> = {}) {
  const storage = new MemoryAuditStorage();
  const { log, clock } = await newLog({ storage });
  clock.time = START + DAY;
  const gate = new ExportGate({
    schema: exported,
    policy,
    log,
    signer: exporter,
    secret: new Uint8Array(32).fill(12),
    clock: clock.read,
    ...changes,
  });
  const ledgers = new Map<string, ConsentLedger>();
  const consentOf = (account: string): ConsentLedger => {
    const found = ledgers.get(account) ?? agreeingLedger(account, clock, START);
    ledgers.set(account, found);
    return found;
  };
  const base = (more: Partial<PersonalExport> = {}): PersonalExport => ({
    flow: 'orders',
    actor: 'shipping',
    destination: 'singapore',
    scene: 'live-food',
    purpose: 'order-fulfilment',
    from: clock.time,
    until: clock.time + HOUR,
    kind: 'order',
    records: orders(3),
    consentOf,
    ...more,
  });
  const watched = (more: Partial<PersonalExport> = {}): PersonalExport => ({
    ...base(),
    flow: 'stream',
    scene: 'live-beauty',
    purpose: 'recommendation',
    kind: 'watch-time',
    events: [...events(6, 'makeup'), ...events(4, 'friends')],
    ...more,
  });
  return { gate, log, storage, clock, consentOf, base, watched };
}
