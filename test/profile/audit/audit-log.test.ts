import { describe, expect, it, vi } from 'vitest';
import { verifySignedHead } from '../../../src/core/signed-head.ts';
import { verifyEd25519 } from '../../../src/node/ed25519.ts';
import type { AuditFact } from '../../../src/profile/audit/audit-record.ts';
import { MemoryAuditStorage } from '../../../src/profile/audit/audit-storage.ts';
import { auditedRead } from '../../../src/profile/audit/audited-read.ts';
import { verifyAuditLog } from '../../../src/profile/audit/verify-log.ts';
import { SceneData } from '../../../src/profile/scenes.ts';
import { START } from '../fixtures.ts';
import { newLog, operator, readFact, recordsOf, textOf } from './fixtures.ts';

const FACTS: readonly AuditFact[] = [
  readFact(),
  {
    kind: 'custody',
    actor: 'store',
    object: 'profiles-1',
    objectKind: 'file',
    scene: 'live-food',
    items: ['kitchen'],
    subjects: ['a', 'b'],
    opens: [],
  },
  { kind: 'destruction', actor: 'sweeper', object: 'profiles-1' },
  {
    kind: 'decision',
    actor: 'pricing',
    decision: 'd1',
    scene: 'live-food',
    subject: 'a',
    digest: 'x',
  },
  { kind: 'objection', decision: 'd1', digest: 'y' },
  { kind: 'review', actor: 'reviewer', decision: 'd1', outcome: 'overturned', digest: 'z' },
  {
    kind: 'export',
    actor: 'gate',
    flow: 'f1',
    destination: 'lab',
    dataClass: 'base',
    digest: 'q',
  },
  {
    kind: 'export-refused',
    actor: 'gate',
    flow: 'f1',
    destination: 'lab',
    dataClass: 'biometric',
    reason: 'prohibited-class',
  },
  { kind: 'incident', actor: 'security', objects: ['profiles-1'], drill: true },
];

describe('AuditLog', () => {
  it('keeps every kind of record, in order', async () => {
    const { log, storage } = await newLog();
    for (const fact of FACTS) log.append(fact);
    await log.flush();
    const records = await recordsOf(storage);
    expect(records).toEqual(FACTS.map((fact, seq) => ({ seq, time: START, ...fact })));
  });

  it('goes on where it stopped', async () => {
    const { log, storage } = await newLog();
    log.append(readFact());
    await log.close();
    const again = await newLog({ storage });
    expect(again.log.length).toBe(1);
    expect(again.log.append(readFact())).toBe(1);
    await again.log.flush();
    expect(await verifyAuditLog(storage.read())).toMatchObject({ ok: true, entries: 2 });
  });

  it('drops what a fact has beside its members', async () => {
    const { log, storage } = await newLog();
    log.append({ ...readFact(), value: 'pays 500 a month' } as AuditFact);
    await log.flush();
    expect(await textOf(storage)).not.toContain('500');
  });

  it.each([
    ['a kind of its own', { kind: 'toString' }],
    ['a number for a name', { ...readFact(), actor: 7 }],
    ['a purpose that is none', { ...readFact(), purpose: 'anything' }],
    ['a list of numbers', { ...readFact(), items: [1] }],
    ['a text without end', { ...readFact(), actor: 'a'.repeat(257) }],
    ['half a character', { ...readFact(), actor: '\ud800' }],
  ])('refuses %s and keeps the chain whole', async (_name, fact) => {
    const { log, storage } = await newLog();
    expect(() => log.append(fact as unknown as AuditFact)).toThrow(TypeError);
    log.append(readFact());
    await log.flush();
    expect(await verifyAuditLog(storage.read())).toMatchObject({ ok: true, entries: 1 });
  });

  it('keeps hostile text inside its line', async () => {
    const { log, storage } = await newLog();
    const actor = '"},"hash":"\n{"entry":{}}\u2028\u202e</script>';
    log.append(readFact({ actor }));
    await log.flush();
    expect((await textOf(storage)).split('\n')).toHaveLength(2);
    expect(await recordsOf(storage)).toMatchObject([{ actor }]);
  });

  it('does not run back with the clock, not even from one opening to the next', async () => {
    const { log, storage, clock } = await newLog();
    log.append(readFact());
    clock.time -= 1000;
    log.append(readFact());
    await log.close();
    const again = await newLog({ storage });
    again.clock.time = START - 5000;
    again.log.append(readFact());
    await again.log.flush();
    expect((await recordsOf(storage)).map(({ time }) => time)).toEqual([START, START, START]);
  });

  it('cuts off the half line of a writer that was stopped', async () => {
    const { log, storage } = await newLog();
    log.append(readFact());
    await log.flush();
    await storage.append(new TextEncoder().encode('{"entry":{"seq":1,'));
    const again = await newLog({ storage });
    again.log.append(readFact());
    await again.log.flush();
    expect(await verifyAuditLog(storage.read())).toMatchObject({ ok: true, entries: 2 });
  });

  it('does not open a log that was altered', async () => {
    const { log, storage } = await newLog();
    for (let i = 0; i < 3; i++) log.append(readFact());
    await log.flush();
    const altered = (await textOf(storage)).replace('kitchen', 'chicken');
    const bytes = new TextEncoder().encode(altered);
    await expect(newLog({ storage: new MemoryAuditStorage(bytes) })).rejects.toMatchObject({
      code: 'core/broken-chain',
      details: { seq: 0, fault: 'altered' },
    });
  });

  it('does not open a log that a noted head shows to be another, and closes its storage', async () => {
    const { log, storage } = await newLog();
    for (let i = 0; i < 3; i++) log.append(readFact());
    const head = await log.head();
    const bytes = new TextEncoder().encode(await textOf(storage));
    const noted = { heads: [head], verifySignature: verifyEd25519 };
    const again = await newLog({ storage: new MemoryAuditStorage(bytes), ...noted });
    expect(again.log.length).toBe(3);
    const cut = new MemoryAuditStorage(bytes.subarray(0, bytes.indexOf(10) + 1));
    const closed = vi.spyOn(cut, 'close');
    await expect(newLog({ storage: cut, ...noted })).rejects.toMatchObject({
      code: 'core/broken-chain',
      details: { fault: 'rolled-back' },
    });
    expect(closed).toHaveBeenCalledOnce();
    const anew = await newLog();
    for (let i = 0; i < 4; i++) anew.log.append(readFact({ actor: 'another' }));
    await anew.log.flush();
    await expect(newLog({ storage: anew.storage, ...noted })).rejects.toMatchObject({
      details: { fault: 'rewritten' },
    });
    const signers = { operator: new Uint8Array(32).fill(9) };
    await expect(
      newLog({ storage: new MemoryAuditStorage(bytes), ...noted, signers }),
    ).rejects.toMatchObject({ details: { fault: 'bad-signature' } });
  });

  it('writes no line that is longer than a reader takes', async () => {
    const { log, storage } = await newLog();
    const custody = FACTS[1] as Extract<AuditFact, { kind: 'custody' }>;
    const opens = Array.from({ length: 65_536 }, () => 'x'.repeat(256));
    expect(() => log.append({ ...custody, opens })).toThrow(RangeError);
    log.append(readFact());
    await log.flush();
    expect(await verifyAuditLog(storage.read())).toMatchObject({ ok: true, entries: 1 });
  });

  it('takes nothing more after a write that failed, or after its end', async () => {
    const storage = new MemoryAuditStorage();
    const { log } = await newLog({ storage });
    storage.append = () => Promise.reject(new Error('disk full'));
    log.append(readFact());
    await expect(log.flush()).rejects.toThrow('disk full');
    expect(() => log.append(readFact())).toThrow(
      expect.objectContaining({ code: 'data/unwritable' }),
    );
    await expect(log.flush()).rejects.toMatchObject({ code: 'data/unwritable' });
    const { log: ended } = await newLog();
    await ended.close();
    expect(() => ended.append(readFact())).toThrow(
      expect.objectContaining({ code: 'data/unwritable' }),
    );
  });

  it('signs heads of what is durable', async () => {
    const { log, storage } = await newLog();
    log.append(readFact());
    const head = await log.head();
    expect(head.seq).toBe(0);
    expect(await verifySignedHead(head, verifyEd25519, operator.publicKey)).toBeNull();
    expect((await verifyAuditLog(storage.read())).head).toBe(head.hash);
  });

  it('names people by its own key', async () => {
    const { log } = await newLog();
    const other = await newLog({ subjectSecret: new Uint8Array(32).fill(4) });
    expect(log.subject('u1')).toMatch(/^[0-9a-f]{32}$/);
    expect(log.subject('u1')).toBe(log.subject('u1'));
    expect(log.subject('u1')).not.toBe(log.subject('u2'));
    expect(log.subject('u1')).not.toBe(other.log.subject('u1'));
    expect(() => log.subject('')).toThrow(TypeError);
    await expect(newLog({ subjectSecret: new Uint8Array(31) })).rejects.toThrow(RangeError);
  });
});

describe('auditedRead', () => {
  const use = {
    actor: 'ranker',
    party: 'platform',
    scene: 'live-food',
    purpose: 'recommendation',
    items: ['kitchen'],
    account: 'u1',
  } as const;

  it('hands data out only once the entry is durable', async () => {
    const storage = new MemoryAuditStorage();
    const { log } = await newLog({ storage });
    const value = await auditedRead(log, new SceneData('live-food', 42), use);
    expect(value).toBe(42);
    expect(await recordsOf(storage)).toMatchObject([{ kind: 'read', subject: log.subject('u1') }]);
    expect(await textOf(storage)).not.toContain('u1"');
    storage.append = () => Promise.reject(new Error('disk full'));
    await expect(auditedRead(log, new SceneData('live-food', 42), use)).rejects.toThrow();
  });

  it('logs no read that the scene refused', async () => {
    const { log } = await newLog();
    const data = new SceneData<string, number>('live-beauty', 42);
    await expect(auditedRead(log, data, use)).rejects.toMatchObject({
      code: 'profile/flow-unauthorised',
    });
    expect(log.length).toBe(0);
  });
});
