import { ed25519Signer } from '../../../src/node/ed25519.ts';
import { nodeSha256 } from '../../../src/node/sha256.ts';
import { AuditLog, type AuditLogOptions } from '../../../src/profile/audit/audit-log.ts';
import type { AuditFact, AuditRecord } from '../../../src/profile/audit/audit-record.ts';
import { type AuditStorage, MemoryAuditStorage } from '../../../src/profile/audit/audit-storage.ts';
import { verifyAuditLog } from '../../../src/profile/audit/verify-log.ts';
import { TestClock } from '../fixtures.ts';

export const SECRET: Uint8Array = new Uint8Array(32).fill(3);
export const operator = ed25519Signer(new Uint8Array(32).fill(1));
export const witness = ed25519Signer(new Uint8Array(32).fill(2));

/** A read of one tag. */
export function readFact(
  changes: Partial<Extract<AuditFact, { kind: 'read' }>> = {},
): Extract<AuditFact, { kind: 'read' }> {
  return {
    kind: 'read',
    actor: 'ranker',
    party: 'platform',
    scene: 'live-food',
    purpose: 'recommendation',
    items: ['kitchen'],
    subject: 'someone',
    ...changes,
  };
}

/** A log in memory, signed, at a clock that stands. */
export async function newLog(
  options: Partial<AuditLogOptions> = {},
): Promise<{ log: AuditLog; storage: AuditStorage; clock: TestClock }> {
  const storage = options.storage ?? new MemoryAuditStorage();
  const clock = new TestClock();
  const log = await AuditLog.open({
    storage,
    subjectSecret: SECRET,
    signer: operator,
    clock: clock.read,
    sha256: nodeSha256,
    ...options,
  });
  return { log, storage, clock };
}

/** Everything that a storage holds, as text. */
export async function textOf(storage: AuditStorage): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of storage.read()) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

/** The records of a storage that hold. */
export async function recordsOf(storage: AuditStorage): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = [];
  await verifyAuditLog(storage.read(), { onRecord: (record) => records.push(record) });
  return records;
}
