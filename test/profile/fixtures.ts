import {
  CollectionGate,
  ConsentLedger,
  type ConsentLedgerOptions,
  type ProfileEvent,
  type ProfileSchema,
  validateSchema,
} from '../../src/profile/index.ts';

const KIND = {
  source: 'first-party',
  retention: 'P90D',
  reviewBy: '2027-05-31',
  controller: 'platform',
  recipients: [] as string[],
};
const TAG = {
  kind: 'predictive',
  from: ['order'],
  scenes: ['live-food'],
  purposes: ['recommendation'],
  retention: 'P90D',
  sensitivity: 'normal',
  reviewBy: '2027-05-31',
};

/** A fresh, mutable copy of a small but complete schema file. */
export function schemaJson() {
  return {
    version: 1,
    parties: { platform: { role: 'controller' }, merchant: { role: 'recipient' } },
    purposes: ['recommendation', 'order-fulfilment', 'fraud-prevention'],
    scenes: {
      'live-beauty': { riskLevel: 'elevated', advertising: 'indirect-only' },
      'live-food': { riskLevel: 'normal', advertising: 'none' },
    },
    flows: [
      {
        from: 'live-food',
        to: 'live-beauty',
        purposes: ['recommendation'],
        tags: ['kitchen'],
        controller: 'platform',
        recipients: [],
      },
    ],
    kinds: {
      order: {
        ...KIND,
        tier: 'essential',
        legalBasis: 'contract',
        purposes: ['order-fulfilment', 'recommendation'],
        retention: 'P2Y',
        recipients: ['merchant'],
      },
      'watch-time': {
        ...KIND,
        tier: 'enhanced',
        legalBasis: 'consent',
        purposes: ['recommendation'],
      },
      'social-graph': {
        ...KIND,
        tier: 'restricted',
        legalBasis: 'explicit-consent',
        purposes: ['recommendation'],
        retention: 'P30D',
      },
      face: { tier: 'prohibited' },
    } as Record<string, Record<string, unknown>>,
    tags: {
      kitchen: { ...TAG },
      'spend-level': {
        ...TAG,
        kind: 'descriptive',
        values: ['low', 'middle', 'high'],
        scenes: ['live-food', 'live-beauty'],
      },
      makeup: { ...TAG, from: ['watch-time'], scenes: ['live-beauty'] },
      friends: { ...TAG, from: ['social-graph'], scenes: ['live-beauty'] },
      baby: { ...TAG },
      'health-food': { ...TAG },
    } as Record<string, Record<string, unknown>>,
    sensitiveCombinations: [
      { tags: ['baby', 'health-food'], reveals: 'family or health status', action: 'refuse' },
    ],
  };
}

/** The same with a plugin, a recipient abroad, text, places, value ranges, risk rules and review days. */
export function richSchemaJson() {
  const json = schemaJson();
  const review = { reviewedOn: '2026-12-01', reviewBy: '2027-05-31' };
  Object.assign(json.parties, {
    widget: { role: 'recipient', type: 'plugin' },
    cloud: { role: 'recipient', type: 'payment', abroad: true },
    agency: { role: 'recipient' },
  });
  Object.assign(json.scenes, { 'live-jewels': { riskLevel: 'high', advertising: 'direct' } });
  json.purposes.push('advertising');
  Object.assign(json.kinds, {
    'watch-time': {
      ...json.kinds['watch-time'],
      ...review,
      purposes: ['recommendation', 'advertising'],
      recipients: ['merchant', 'widget', 'cloud'],
      value: { max: 3600, step: 60 },
      place: 'coarse',
    },
    comment: {
      ...KIND,
      ...review,
      tier: 'enhanced',
      legalBasis: 'consent',
      purposes: ['recommendation'],
      derivedFrom: 'text',
    },
    payment: {
      ...KIND,
      tier: 'essential',
      legalBasis: 'contract',
      purposes: ['order-fulfilment', 'recommendation'],
      recipients: ['agency', 'widget'],
    },
  });
  json.tags['makeup'] = {
    ...TAG,
    ...review,
    from: ['watch-time', 'comment'],
    scenes: ['live-beauty', 'live-jewels'],
  };
  json.tags['glam'] = {
    ...TAG,
    from: ['watch-time'],
    scenes: ['live-jewels'],
    purposes: ['recommendation', 'advertising'],
  };
  json.tags['payer'] = { ...TAG, from: ['payment'], scenes: ['live-beauty'] };
  return {
    ...json,
    $schema: 'node_modules/velatura/src/profile/profile-schema.json',
    riskRules: [
      {
        kinds: ['watch-time'],
        scenes: ['live-beauty'],
        tier: 'restricted',
        obligations: ['coarse-only', 'session-consent', 'impact-assessment'],
        assessedOn: '2026-11-01',
      },
      { kinds: ['social-graph'], scenes: ['live-beauty'], obligations: ['on-device-only'] },
    ] as Record<string, unknown>[],
    overdueReview: 'refuse',
  };
}

export const schema: ProfileSchema = validateSchema(schemaJson());

export const DAY = 86_400_000;
/** When the story of every test begins. */
export const START: number = Date.UTC(2026, 4, 1);
export const KEY: Uint8Array = new Uint8Array(32).fill(7);

/** A clock that stands where it is put. */
export class TestClock {
  time = START;
  readonly read = (): number => this.time;
}

/** A ledger of person u1. */
export function newLedger(
  clock: TestClock = new TestClock(),
  options: Partial<ConsentLedgerOptions> = {},
): ConsentLedger {
  return new ConsentLedger({
    schema,
    person: 'u1',
    key: KEY,
    noticeVersion: 3,
    clock: clock.read,
    ...options,
  });
}

export const richSchema: ProfileSchema = validateSchema(richSchemaJson());

/** The ledger of the next session, or of another tab: the same history so far. */
export function reopenedLedger(
  ledger: ConsentLedger,
  clock: TestClock,
  options: Partial<ConsentLedgerOptions> = {},
): ConsentLedger {
  const same = { schema, person: 'u1', key: KEY, noticeVersion: 3, clock: clock.read };
  return ConsentLedger.restore({ ...same, ...options }, ledger.receipts());
}

/** Agrees to everything that the tests collect, until one year after the start. */
export function grantAll(ledger: ConsentLedger): void {
  const terms = {
    purposes: ['recommendation'],
    controller: 'platform',
    expiresAt: START + 365 * DAY,
  } as const;
  ledger.grant({ scope: { tier: 'essential' }, ...terms });
  for (const scene of ['live-food', 'live-beauty']) {
    ledger.grant({ scope: { tier: 'enhanced', scene }, ...terms });
    ledger.grant({
      scope: { tier: 'restricted', scene, kind: 'social-graph', explicit: true },
      ...terms,
    });
  }
}

/** An order that the gate admits once everything was agreed to. */
export function order(change: Partial<ProfileEvent> = {}): ProfileEvent {
  return {
    user: 'u1',
    time: START + DAY,
    scene: 'live-food',
    kind: 'order',
    tag: 'kitchen',
    value: 2,
    ...change,
  };
}

/** Time watched in the other scene; needs the consent of that scene. */
export function watching(change: Partial<ProfileEvent> = {}): ProfileEvent {
  return order({
    scene: 'live-beauty',
    kind: 'watch-time',
    tag: 'makeup',
    value: 341,
    ...change,
  });
}

/** A gate for recommendation, its ledger and clock, and what came through. Nothing is agreed to yet. */
export function newGate(): {
  gate: CollectionGate;
  ledger: ConsentLedger;
  clock: TestClock;
  collected: ProfileEvent[];
} {
  const clock = new TestClock();
  const ledger = newLedger(clock);
  const collected: ProfileEvent[] = [];
  const gate = new CollectionGate({
    consent: ledger,
    purpose: 'recommendation',
    collect: (event) => collected.push(event),
  });
  return { gate, ledger, clock, collected };
}

/** Names that break programs which keep names in plain objects, or eyes and terminals. */
export const HOSTILE_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  '*',
  '../kitchen',
  'kitchen\u0000',
  'kitchen\n',
  '\u202Enehctik',
  'e\u0301clair',
  '\uD800',
  '<script>alert(1)</script>',
  "'; drop table tags; --",
  '=cmd()',
  'k'.repeat(65),
  'k'.repeat(1_000_000),
];
