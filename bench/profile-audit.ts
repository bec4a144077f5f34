import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeSha256, openAuditFile, readAuditFile } from '../src/node/index.ts';
import {
  type AuditFact,
  AuditLog,
  type AuditStorage,
  auditChain,
  MemoryAuditStorage,
  verifyAuditLog,
} from '../src/profile/index.ts';
import { type BenchRow, row } from './suite.ts';

const APPENDED = 200_000;
const VERIFIED = 1_000_000;
const BATCH = 2000;

const fact: AuditFact = {
  kind: 'read',
  actor: 'ranker',
  party: 'platform',
  scene: 'live-food',
  purpose: 'recommendation',
  items: ['kitchen'],
  subject: 'f9e49cde9ec8fa8f4e8eab16e6bc384e',
};

/** Seconds to append so many entries, durable in batches. */
async function append(storage: AuditStorage, entries: number): Promise<number> {
  const subjectSecret = new Uint8Array(32).fill(1);
  const log = await AuditLog.open({ storage, subjectSecret, sha256: nodeSha256 });
  const started = performance.now();
  for (let i = 1; i <= entries; i++) {
    log.append(fact);
    if (i % BATCH === 0) await log.flush();
  }
  await log.close();
  return (performance.now() - started) / 1000;
}

/** What is left when nothing but the chain is computed. */
function chainAlone(entries: number): number {
  const chain = auditChain(nodeSha256);
  const body = new TextEncoder().encode(JSON.stringify({ seq: 0, time: 0, ...fact }));
  const started = performance.now();
  let head = chain.start();
  for (let i = 0; i < entries; i++) {
    const { seq, hash } = chain.append(head, body);
    head = { seq, hash };
  }
  return (performance.now() - started) / 1000;
}

/** The audit log: appending, and checking a million entries. */
export async function auditing(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'velatura-bench-'));
  try {
    const path = join(folder, 'audit.jsonl');
    chainAlone(APPENDED);
    const bare = chainAlone(APPENDED);
    const inMemory = await append(new MemoryAuditStorage(), APPENDED);
    const inFile = await append(await openAuditFile(path), APPENDED);
    const started = performance.now();
    await append(await openAuditFile(path), VERIFIED - APPENDED);
    const appended = (performance.now() - started) / 1000;
    const checked = performance.now();
    const { ok, entries } = await verifyAuditLog(readAuditFile(path), { sha256: nodeSha256 });
    const seconds = (performance.now() - checked) / 1000;
    if (!ok || entries !== VERIFIED) throw new Error(`the log does not hold: ${entries}`);
    return [
      row('audit log: entries appended in memory', APPENDED / inMemory, '1/s', APPENDED / bare, {
        note: 'baseline: hashing alone',
      }),
      row(
        `audit log: entries appended to a file, durable every ${BATCH}`,
        APPENDED / inFile,
        '1/s',
        APPENDED / bare,
        { note: 'baseline: hashing alone; goal: at least 50,000' },
      ),
      row('audit log: 1,000,000 entries verified', seconds, 's', appended, {
        note: 'baseline: appending most of them; goal: at most 5 s',
      }),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}
