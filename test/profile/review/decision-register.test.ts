import { describe, expect, it } from 'vitest';
import { contentDigest, verifyDocument } from '../../../src/core/signed-document.ts';
import { verifyEd25519 } from '../../../src/node/ed25519.ts';
import { MemoryAuditStorage } from '../../../src/profile/audit/audit-storage.ts';
import {
  DecisionRegister,
  decisionDigests,
  EVIDENCE_PURPOSE,
  type ReviewPolicy,
  type ReviewResult,
} from '../../../src/profile/review/decision-register.ts';
import { newLog, operator, recordsOf, textOf } from '../audit/fixtures.ts';
import { DAY, schema } from '../fixtures.ts';

const DECISION = {
  account: 'u1',
  scene: 'live-food',
  actor: 'pricing-model 3',
  decision: 'No instalments for this order.',
  reasons: ['spend-level: low, probability 0.81'],
};
const OVERTURNED: ReviewResult = {
  reviewer: 'Ms Chen',
  outcome: 'overturned',
  reasons: 'The level came from an order that was returned.',
  remedy: 'Instalments are offered.',
};
const outOfTurn = { code: 'profile/review-out-of-turn' };

async function setUp(changes: Partial<ReviewPolicy> = {}) {
  const storage = new MemoryAuditStorage();
  const { log, clock } = await newLog({ storage });
  const policy = {
    reviewers: ['Ms Chen', 'Mr Ortiz', 'pricing-model 3'],
    objectWithin: 'P60D',
    answerWithin: 'P15D',
    suspendOnObjection: true,
    ...changes,
  };
  const register = new DecisionRegister({ schema, log, policy, clock: clock.read });
  return { register, log, storage, clock };
}

describe('DecisionRegister', () => {
  it('leads from decision over objection to a remedy, and the log shows it', async () => {
    const { register, storage, log } = await setUp();
    const handle = await register.decide(DECISION);
    const { id } = register.file(handle);
    expect(register.isInForce(id)).toBe(true);
    await register.object(handle, 'I pay my orders.');
    expect(register.isInForce(id)).toBe(false);
    expect(register.open()).toMatchObject([{ id, overdue: false }]);
    const file = await register.review(id, OVERTURNED);
    expect(file).toMatchObject({ state: 'overturned', review: OVERTURNED, entries: [0, 1, 2] });
    expect(register.isInForce(id)).toBe(false);
    expect(register.open()).toEqual([]);
    expect(await recordsOf(storage)).toMatchObject([
      { kind: 'decision', decision: id, subject: log.subject('u1'), actor: 'pricing-model 3' },
      { kind: 'objection', decision: id },
      { kind: 'review', decision: id, outcome: 'overturned', actor: 'Ms Chen' },
    ]);
  });

  it('puts no words and no handle into the log', async () => {
    const { register, storage } = await setUp();
    const handle = await register.decide(DECISION);
    await register.object(handle, 'I pay my orders.');
    await register.review(register.file(handle).id, OVERTURNED);
    const text = await textOf(storage);
    for (const word of ['instalments', 'spend-level', 'I pay', 'returned', handle, 'u1']) {
      expect(text).not.toContain(word);
    }
  });

  it('puts no digest into the log that somebody could guess, and the file proves each', async () => {
    const { register, storage } = await setUp();
    const handle = await register.decide(DECISION);
    await register.object(handle, 'I pay my orders.');
    const file = await register.review(register.file(handle).id, OVERTURNED);
    const digestsOf = async () =>
      (await recordsOf(storage)).map((record) => ('digest' in record ? record.digest : null));
    const logged = await digestsOf();
    expect(logged).toEqual(decisionDigests(file));
    const { decision, reasons } = DECISION;
    for (const guess of [[decision, reasons], 'I pay my orders.', OVERTURNED]) {
      expect(logged).not.toContain(contentDigest(guess));
    }
    // The same words about somebody else have another digest.
    await register.decide({ ...DECISION, account: 'u2' });
    expect((await digestsOf())[3]).not.toBe(logged[0]);
    expect(await textOf(storage)).not.toContain(file.salt);
    expect(file.salt).toMatch(/^[0-9a-f]{32}$/);
  });

  it('upholds a decision, which then stands', async () => {
    const { register } = await setUp({ suspendOnObjection: false });
    const handle = await register.decide(DECISION);
    const { id } = await register.object(handle, 'Why?');
    expect(register.isInForce(id)).toBe(true);
    const upheld = { ...OVERTURNED, outcome: 'upheld', remedy: null } as const;
    expect((await register.review(id, upheld)).state).toBe('upheld');
    expect(register.isInForce(id)).toBe(true);
  });

  it('takes nothing out of turn', async () => {
    const { register, clock } = await setUp();
    const handle = await register.decide(DECISION);
    const { id } = register.file(handle);
    await expect(register.review(id, OVERTURNED)).rejects.toMatchObject(outOfTurn);
    await register.object(handle, 'Why?');
    await expect(register.object(handle, 'Again.')).rejects.toMatchObject(outOfTurn);
    for (const reviewer of ['a stranger', 'pricing-model 3']) {
      const result = { ...OVERTURNED, reviewer };
      await expect(register.review(id, result)).rejects.toMatchObject(outOfTurn);
    }
    await expect(register.review(id, { ...OVERTURNED, remedy: null })).rejects.toThrow(RangeError);
    await expect(register.review(id, { ...OVERTURNED, reasons: ' ' })).rejects.toThrow(RangeError);
    await register.review(id, OVERTURNED);
    await expect(register.review(id, OVERTURNED)).rejects.toMatchObject(outOfTurn);
    const late = await register.decide(DECISION);
    clock.time += 60 * DAY;
    await expect(register.object(late, 'Why?')).rejects.toMatchObject(outOfTurn);
    // Nor after the clock was set back.
    clock.time -= 59 * DAY;
    await expect(register.object(late, 'Why?')).rejects.toMatchObject(outOfTurn);
  });

  it('takes one of two objections made at once', async () => {
    const { register, storage } = await setUp();
    const handle = await register.decide(DECISION);
    const both = [register.object(handle, 'One.'), register.object(handle, 'Two.')];
    const answers = await Promise.allSettled(both);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((await recordsOf(storage)).filter(({ kind }) => kind === 'objection')).toHaveLength(1);
  });

  it('knows objections that wait too long', async () => {
    const { register, clock } = await setUp();
    const handle = await register.decide(DECISION);
    await register.object(handle, 'Why?');
    clock.time += 15 * DAY;
    expect(register.open()).toMatchObject([{ overdue: true }]);
  });

  it('opens files to the handle alone', async () => {
    const { register } = await setUp();
    const handle = await register.decide(DECISION);
    const { id } = register.file(handle);
    const unknown = expect.objectContaining({ code: 'profile/unknown-decision' });
    for (const wrong of [id, 'f'.repeat(32), '', '__proto__']) {
      expect(() => register.file(wrong)).toThrow(unknown);
    }
    await expect(register.review('none', OVERTURNED)).rejects.toThrow(unknown);
    expect(() => register.isInForce('none')).toThrow(unknown);
    expect(handle).not.toBe(await register.decide(DECISION));
  });

  it('lets no decision stand that the log did not take', async () => {
    const { register, storage } = await setUp();
    storage.append = () => Promise.reject(new Error('disk full'));
    await expect(register.decide(DECISION)).rejects.toThrow('disk full');
    expect(register.open()).toEqual([]);
  });

  it('gives evidence that anybody can check', async () => {
    const { register } = await setUp();
    const handle = await register.decide(DECISION);
    await register.object(handle, 'Why?');
    const signed = await register.evidence(handle, operator);
    const sent = JSON.parse(JSON.stringify(signed));
    const check = (document: typeof sent) =>
      verifyDocument(EVIDENCE_PURPOSE, document, verifyEd25519, operator.publicKey);
    expect(await check(sent)).toBeNull();
    expect(sent.content.file).toMatchObject({ state: 'objected', objection: { text: 'Why?' } });
    expect(sent.content.head.seq).toBe(1);
    sent.content.file.reasons[0] = 'something else';
    expect(await check(sent)).toMatch(/altered/);
    expect(JSON.stringify(signed)).not.toContain(handle);
  });

  it.each([{ reviewers: [] }, { objectWithin: '60 days' }, { answerWithin: '' }])(
    'refuses a policy of %j',
    async (changes) => {
      await expect(setUp(changes)).rejects.toThrow(RangeError);
    },
  );
});
