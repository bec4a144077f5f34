import { describe, expect, it } from 'vitest';
import type { VerifySignature } from '../../src/core/signed-head.ts';
import { WebSecAggCrypto } from '../../src/federated/index.ts';
import { ed25519Signer, generateEd25519Seed, verifyEd25519 } from '../../src/node/index.ts';
import {
  CollectionGate,
  type ConsentReceipt,
  type ConsentUse,
  ReceivedConsent,
  type SignedReceipts,
  signReceipts,
  verifyReceipts,
} from '../../src/profile/index.ts';
import { DAY, grantAll, newLedger, order, START, schema, TestClock } from './fixtures.ts';

const INVALID = expect.objectContaining({ code: 'profile/invalid-consent' });
const signer = ed25519Signer(generateEd25519Seed());
const FOOD = { tier: 'enhanced', scene: 'live-food' } as const;
const ORDER: ConsentUse = {
  kind: 'order',
  scene: 'live-food',
  purpose: 'recommendation',
  at: START + DAY,
};

function history(): readonly ConsentReceipt[] {
  const ledger = newLedger();
  grantAll(ledger);
  ledger.grant({
    scope: { tier: 'essential' },
    purposes: ['recommendation'],
    controller: 'platform',
    recipients: ['merchant'],
    expiresAt: START + 365 * DAY,
  });
  ledger.ask({ tier: 'essential', recipient: 'merchant' }, 'platform');
  ledger.setMinorsMode(true);
  ledger.setMinorsMode(false);
  ledger.beginSession('live-food', 'as-agreed');
  ledger.withdraw(FOOD);
  return ledger.receipts();
}
const receipts = history();
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('signed receipts', () => {
  it('are checked by whoever knows the key, and name controllers and recipients', async () => {
    const document = plain(await signReceipts(receipts, START, signer));
    const checked = await verifyReceipts(document, signer.publicKey, verifyEd25519);
    expect(checked).toEqual(document);
    expect(Object.isFrozen(checked)).toBe(true);
    expect(checked.receipts).toContainEqual(
      expect.objectContaining({ act: 'grant', controller: 'platform', recipients: ['merchant'] }),
    );
  });

  it('can be one alone, and signed in a browser', async () => {
    const web = new WebSecAggCrypto();
    const key = await web.signingKey(web.randomBytes(32));
    const document = await signReceipts(receipts.slice(0, 1), START, key);
    const verify: VerifySignature = (publicKey, message, signature) =>
      web.verify(new Uint8Array(publicKey), new Uint8Array(message), new Uint8Array(signature));
    expect(await verifyReceipts(plain(document), key.publicKey, verify)).toEqual(document);
    expect(await verifyReceipts(plain(document), key.publicKey, verifyEd25519)).toEqual(document);
  });

  type Loose = { receipts: Record<string, unknown>[] } & Record<string, unknown>;
  const forgeries: ((document: Loose) => void)[] = [
    (d) => (d['signedAt'] = START + 1),
    (d) => (d['format'] = 'velatura/signed-receipts/2'),
    (d) => (d['signature'] = '0'.repeat(128)),
    (d) => (d['signature'] = 'zz'),
    (d) => (d['extra'] = 1),
    (d) => d.receipts.pop(),
    (d) => d.receipts.reverse(),
    (d) => d.receipts.push(d.receipts[0]!),
    (d) => (d.receipts[0]!['person'] = 'u2'),
    (d) => (d.receipts[0]!['expiresAt'] = START + 9999 * DAY),
    (d) => (d.receipts[0]!['recipients'] = ['merchant']),
    (d) => (d.receipts[0]!['notice'] = 'f'.repeat(64)),
    (d) => (d.receipts[0]!['proof'] = 'f'.repeat(64)),
    (d) => (d.receipts[0]!['scope'] = { tier: 'enhanced', scene: 'live-food' }),
    (d) => (d.receipts[0]!['scope'] = { tier: 'essential', recipient: 'merchant' }),
    (d) => (d.receipts.at(-1)!['act'] = 'ask'),
    (d) => (d.receipts[7]!['on'] = false),
    (d) => (d.receipts[9]!['choice'] = 'watch-only'),
    (d) => (d['receipts'] = [] as never),
    (d) => Object.setPrototypeOf(d, { receipts: [] }),
  ];
  it('are refused when a single field was altered', async () => {
    for (const forge of forgeries) {
      const document = plain(await signReceipts(receipts, START, signer)) as unknown as Loose;
      forge(document);
      await expect(
        verifyReceipts(document, signer.publicKey, verifyEd25519),
        forge.toString(),
      ).rejects.toThrow(INVALID);
    }
  });

  it('are refused under the key that they bring along', async () => {
    const forger = ed25519Signer(generateEd25519Seed());
    const document = await signReceipts(receipts, START, forger);
    const claimed = { ...document, publicKey: (await signReceipts([], START, signer)).publicKey };
    for (const forged of [document, claimed]) {
      await expect(verifyReceipts(forged, signer.publicKey, verifyEd25519)).rejects.toThrow(
        INVALID,
      );
    }
    await expect(signReceipts([], Number.NaN, signer)).rejects.toThrow(RangeError);
  });
});

describe('consent as it was received', () => {
  function receiver(clock = new TestClock()): ReceivedConsent {
    return new ReceivedConsent({
      schema,
      person: 'u1',
      publicKey: signer.publicKey,
      verify: verifyEd25519,
      noticeVersion: 3,
      freshFor: 'P2D',
      clock: clock.read,
    });
  }
  const sign = (list: readonly ConsentReceipt[], at = START): Promise<SignedReceipts> =>
    signReceipts(list, at, signer);
  const reason = (of: ReceivedConsent, at: number): string => {
    const decision = of.decide({ ...ORDER, at });
    return decision.permitted ? 'permitted' : decision.reason;
  };

  it('decides as the ledger does, and a withdrawal counts when it arrives', async () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    const received = receiver(clock);
    expect(reason(received, START)).toBe('consent-missing');
    expect(await received.accept(await sign(ledger.receipts()))).toBe(5);
    const collected: unknown[] = [];
    const gate = new CollectionGate({
      consent: received,
      purpose: 'recommendation',
      collect: (event) => collected.push(event),
    });
    clock.time = START + DAY;
    expect(gate.offer(order())).toBe('admitted');
    ledger.withdraw({ tier: 'essential' });
    expect(await received.accept(await sign(ledger.receipts(), START + DAY))).toBe(1);
    expect(gate.offer(order())).toBe('consent-withdrawn');
    expect(collected).toHaveLength(1);
  });

  it('takes only what is new, too', async () => {
    const received = receiver();
    await received.accept(await sign(receipts.slice(0, 4)));
    expect(await received.accept(await sign(receipts.slice(4)))).toBe(receipts.length - 4);
    expect(await received.accept(await sign(receipts.slice(-1)))).toBe(0);
    expect(received.decide({ ...ORDER, kind: 'watch-time', at: START })).toMatchObject({
      reason: 'consent-withdrawn',
    });
  });

  it('is no longer trusted when no word comes', async () => {
    const clock = new TestClock();
    const received = receiver(clock);
    await received.accept(await sign(receipts));
    expect(received.decide({ ...ORDER, at: START })).toMatchObject({ until: START + 2 * DAY });
    expect(reason(received, START + 2 * DAY - 1)).toBe('permitted');
    expect(reason(received, START + 2 * DAY)).toBe('consent-unconfirmed');
    clock.time = START + 3 * DAY;
    await received.accept(await sign(receipts.slice(-1), START + 3 * DAY));
    expect(reason(received, START + 4 * DAY)).toBe('permitted');
  });

  it('refuses an earlier state, a gap, another history, another person and the future', async () => {
    const clock = new TestClock();
    const received = receiver(clock);
    clock.time = START + DAY;
    await received.accept(await sign(receipts, START + DAY));
    const last = receipts.at(-1) as ConsentReceipt;
    const other = newLedger();
    while (other.revision <= receipts.length) other.optOut('recommendation');
    const refused: [string, SignedReceipts][] = [
      ['an earlier document', await sign(receipts, START)],
      ['a shorter history', await sign(receipts.slice(0, 3), START + DAY)],
      ['nothing', await sign([], START + DAY)],
      ['another beginning', await sign(other.receipts(), START + DAY)],
      ['another person', await sign([{ ...last, person: 'u2' }], START + DAY)],
      [
        'what came before the last',
        await sign([{ ...last, serial: last.serial + 1, time: START - 1 }], START + DAY),
      ],
      [
        'what was not yet when it was signed',
        await sign([{ ...last, serial: last.serial + 1, time: START + 2 * DAY }], START + DAY),
      ],
      ['the future', await sign(receipts, START + 2 * DAY)],
      ['a gap', await sign([{ ...last, serial: 99 }], START + DAY)],
      ['a negative place', await sign([{ ...last, serial: -1 }], START + DAY)],
    ];
    const { revision } = received;
    for (const [what, document] of refused) {
      await expect(received.accept(document), what).rejects.toThrow(INVALID);
    }
    expect(received.revision).toBe(revision);
    expect(reason(received, START + DAY)).toBe('permitted');
  });

  it('wants a period and a version', () => {
    const options = {
      schema,
      person: 'u1',
      publicKey: signer.publicKey,
      verify: verifyEd25519,
      noticeVersion: 3,
      freshFor: 'P2D',
    };
    expect(() => new ReceivedConsent({ ...options, freshFor: 'soon' })).toThrow(RangeError);
    expect(() => new ReceivedConsent({ ...options, noticeVersion: 0 })).toThrow(RangeError);
    expect(() => new ReceivedConsent({ ...options, schema: { ...schema } })).toThrow(TypeError);
  });
});
