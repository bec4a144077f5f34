import type { AuditStorage } from '../profile/audit/audit-storage.ts';
import { type ConformanceCase, check } from './conformance.ts';

/** Somewhere to keep a log. */
export interface AuditStorageSubject {
  /** Opens a place that no other case uses. */
  readonly open: () => Promise<AuditStorage>;
  /** Opens the place of this storage, which was closed, again; null where nothing outlives it. */
  readonly reopen: ((storage: AuditStorage) => Promise<AuditStorage>) | null;
}

async function contents(storage: AuditStorage): Promise<readonly number[]> {
  const bytes: number[] = [];
  for await (const chunk of storage.read()) bytes.push(...chunk);
  return bytes;
}

const shows = (bytes: readonly number[], expected: readonly number[]): boolean =>
  bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i]);

/** What every `AuditStorage` must do. */
export function auditStorageConformance(subject: AuditStorageSubject): readonly ConformanceCase[] {
  const withStorage = async (body: (storage: AuditStorage) => Promise<void>): Promise<void> => {
    const storage = await subject.open();
    try {
      await body(storage);
    } finally {
      await storage.close();
    }
  };
  const cases: ConformanceCase[] = [
    {
      name: 'is empty at first',
      run: () =>
        withStorage(async (storage) => {
          check((await contents(storage)).length === 0, 'expected no bytes');
        }),
    },
    {
      name: 'keeps bytes in the order in which they were added, and reads them as often as asked',
      run: () =>
        withStorage(async (storage) => {
          const bytes = Uint8Array.of(1, 2);
          await storage.append(bytes);
          bytes.fill(9);
          await storage.append(Uint8Array.of(3));
          await storage.append(new Uint8Array(0));
          for (let i = 0; i < 2; i++) {
            check(shows(await contents(storage), [1, 2, 3]), 'expected 1, 2, 3');
          }
        }),
    },
    {
      name: 'cuts off from a length on, and adds behind that',
      run: () =>
        withStorage(async (storage) => {
          await storage.append(Uint8Array.of(1, 2, 3, 4));
          await storage.truncate(2);
          await storage.append(Uint8Array.of(7));
          check(shows(await contents(storage), [1, 2, 7]), 'expected 1, 2, 7');
        }),
    },
  ];
  const { reopen } = subject;
  if (reopen !== null) {
    cases.push({
      name: 'has what was added when it is opened again',
      run: async () => {
        const first = await subject.open();
        await first.append(Uint8Array.of(5, 6));
        await first.close();
        const second = await reopen(first);
        await second.append(Uint8Array.of(8));
        check(shows(await contents(second), [5, 6, 8]), 'expected 5, 6, 8');
        await second.close();
      },
    });
  }
  return cases;
}
