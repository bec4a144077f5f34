// The gate on an edge box, in front of an existing stream of events: JSON lines in, JSON lines out.
//   node edge-gate.mjs - < events.jsonl > admitted.jsonl
// Without the dash it runs on made-up events. What the gate reports goes to stderr.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { ed25519Signer, generateEd25519Seed, verifyEd25519 } from 'velatura/node';
import {
  CollectionGate,
  ConsentLedger,
  GateReporter,
  GateTally,
  GateWatch,
  RareValues,
  ReceivedConsent,
  ScenePseudonyms,
  signReceipts,
  validateSchema,
} from 'velatura/profile';

const DAY = 86_400_000;
const start = Date.now();
const inHalfAYear = new Date(start + 180 * DAY).toISOString().slice(0, 10);
const schema = validateSchema({
  version: 1,
  parties: { platform: { role: 'controller' } },
  purposes: ['recommendation'],
  scenes: { 'live-food': { riskLevel: 'normal', advertising: 'none' } },
  flows: [],
  kinds: {
    'watch-time': {
      tier: 'enhanced',
      source: 'first-party',
      legalBasis: 'consent',
      purposes: ['recommendation'],
      retention: 'P90D',
      reviewBy: inHalfAYear,
      controller: 'platform',
      recipients: [],
      value: { max: 3600, step: 60 },
    },
    face: { tier: 'prohibited' },
  },
  tags: {
    kitchen: {
      kind: 'predictive',
      from: ['watch-time'],
      scenes: ['live-food'],
      purposes: ['recommendation'],
      retention: 'P90D',
      sensitivity: 'normal',
      reviewBy: inHalfAYear,
    },
  },
  sensitiveCombinations: [],
});

// Each person's device keeps the ledger and sends signed receipts; the box has the devices' public keys.
async function enrol(person, agrees) {
  const device = ed25519Signer(generateEd25519Seed());
  const ledger = new ConsentLedger({ schema, person, key: randomBytes(32), noticeVersion: 1 });
  const scope = { tier: 'enhanced', scene: 'live-food' };
  ledger.ask(scope, 'platform');
  if (agrees) {
    const terms = { purposes: ['recommendation'], controller: 'platform' };
    ledger.grant({ scope, ...terms, expiresAt: start + 180 * DAY });
  } else ledger.withdraw(scope);
  const consent = new ReceivedConsent({
    schema,
    person,
    publicKey: device.publicKey,
    verify: verifyEd25519,
    noticeVersion: 1,
    freshFor: 'P1D',
  });
  await consent.accept(await signReceipts(ledger.receipts(), ledger.now(), device));
  return consent;
}

const secret = randomBytes(32);
const names = new ScenePseudonyms({ secret, scene: 'live-food', rotation: 'P7D' });
const tally = new GateTally();
const rare = new RareValues(2);
const gates = new Map();
for (const [person, agrees] of [
  ['ada', true],
  ['bob', true],
  ['cleo', false],
]) {
  const gate = new CollectionGate({
    consent: await enrol(person, agrees),
    purpose: 'recommendation',
    collect: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
    deIdentify: {
      pseudonym: (account, scene, at) => names.of(account, at).read(scene),
      timeStepMs: 3_600_000,
      isCommon: rare.isCommon,
    },
    tally,
  });
  gates.set(person, gate);
}

const boxKey = ed25519Signer(generateEd25519Seed());
const box = new GateReporter({ gate: 'edge-1', tally, signer: boxKey, minimumPersons: 3 });
const operator = new GateWatch({
  gate: 'edge-1',
  publicKey: boxKey.publicKey,
  verify: verifyEd25519,
  reportEveryMs: 60_000,
});

const base = { time: Date.now(), scene: 'live-food', kind: 'watch-time', tag: 'kitchen' };
const personal = { ip: '192.0.2.7', deviceId: 'a1b2c3' };
function madeUp() {
  const people = ['ada', 'bob', 'ada', 'cleo', 'dora'];
  const events = people.map((user, i) => ({ ...base, user, value: 100 + i, ...personal }));
  return Readable.from([...events.map((event) => `${JSON.stringify(event)}\n`), '{ not json\n']);
}

const input = process.argv[2] === '-' ? process.stdin : madeUp();
for await (const line of createInterface({ input })) {
  if (line === '') continue;
  let event = null;
  try {
    event = JSON.parse(line);
  } catch {
    // Not an event; the gate counts it as malformed.
  }
  const gate = gates.get(event?.user);
  if (gate !== undefined) gate.offer(event);
  else tally.count(event === null ? 'malformed' : 'consent-missing');
}

// A probe of the operator: it must be dropped, and the report must say so.
gates.get('bob').offer({ ...base, user: 'bob', kind: 'face', value: 1 });
const report = await operator.accept(await box.report(), { probes: { 'prohibited-kind': 1 } });
console.error(`report ${report.serial} of ${report.gate}: ${JSON.stringify(report.counts)}`);
