import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditFile } from '../../src/node/index.ts';
import { type AuditStorage, MemoryAuditStorage } from '../../src/profile/index.ts';
import { auditStorageConformance } from '../../src/testing/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-audit-storage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const paths = new Map<AuditStorage, string>();
async function openFile(path: string): Promise<AuditStorage> {
  const storage = await openAuditFile(path);
  paths.set(storage, path);
  return storage;
}

describe.each([
  ['MemoryAuditStorage', { open: () => Promise.resolve(new MemoryAuditStorage()), reopen: null }],
  [
    'openAuditFile',
    {
      open: () => openFile(join(folder, `${paths.size}.jsonl`)),
      reopen: (storage: AuditStorage) => openFile(paths.get(storage) as string),
    },
  ],
])('%s', (_name, subject) => {
  it.each(auditStorageConformance(subject).map(({ name, run }) => [name, run] as const))(
    '%s',
    async (_case, run) => {
      await run();
    },
  );
});

it('is failed by a storage that forgets', async () => {
  const forgetful = (): Promise<AuditStorage> => {
    const storage = new MemoryAuditStorage();
    storage.append = () => Promise.resolve();
    return Promise.resolve(storage);
  };
  const cases = auditStorageConformance({ open: forgetful, reopen: null });
  const results = await Promise.allSettled(cases.map(({ run }) => Promise.resolve().then(run)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
});
