import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccountDirectory, type ChangedPages } from '../../../src/dp/budget/account-directory.ts';
import type { PageDigest } from '../../../src/dp/budget/log-record.ts';
import type { IdentityPage } from '../../../src/dp/budget/store.ts';
import { nodeSha256 } from '../../../src/node/sha256.ts';

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.oneof(fc.nat(3), fc.constantFrom(255, 256, 257, 600)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('rekey' as const),
      at: fc.array(fc.nat(), { maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'rotate' as const }) },
);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      operations: fc.array(fc.record({ operation, taken: fc.boolean() }), { maxLength: 4 }),
      writer: fc.nat(1),
      /** `unknown`: it was written, but the writer was told that it was not, and starts anew. */
      outcome: fc.constantFrom('durable', 'durable', 'lost', 'unknown'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look' as const), reader: fc.nat(1) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface Entry {
  readonly size: number;
  readonly digests: readonly PageDigest[];
}

/** A log and its pages, each stamped with the entry it was written with. */
class Store {
  readonly entries: Entry[] = [];
  readonly pages = new Map<number, { bytes: Uint8Array; stamp: number }>();

  write(entries: readonly Entry[], pages: readonly IdentityPage[]): void {
    this.entries.push(...entries);
    for (const { page, bytes } of pages) {
      this.pages.set(page, { bytes, stamp: this.entries.length - 1 });
    }
  }

  since(position: number): IdentityPage[] {
    return [...this.pages]
      .filter(([, { stamp }]) => stamp > position)
      .map(([page, { bytes }]) => ({ page, bytes }))
      .sort((a, b) => a.page - b.page);
  }
}

class Process {
  readonly directory = new AccountDirectory((length) => randomBytes(length), nodeSha256);
  position = -1;

  follow(store: Store): void {
    for (const entry of store.entries.slice(this.position + 1)) {
      this.directory.expect(entry.size, entry.digests);
    }
    this.directory.load(store.since(this.position));
    this.position = store.entries.length - 1;
  }
}

/** Keys of the handles, in hexadecimal: all a directory is. */
type Reference = string[];
const fresh = (count: number): Uint8Array => randomBytes(16 * count);
const split = (keys: Uint8Array): string[] =>
  Buffer.from(keys).toString('hex').match(/.{32}/gu) ?? [];
const join = (keys: readonly string[]): Uint8Array =>
  new Uint8Array(Buffer.from(keys.join(''), 'hex'));
/** A different salt for every rotation, since a key must not come back. */
const rotation = (salt: Uint8Array) => (key: string) =>
  createHash('sha256').update(salt).update(key).digest('hex').slice(0, 32);

function perform(directory: AccountDirectory, reference: Reference, op: Operation): void {
  if (op.kind === 'append') {
    const keys = fresh(op.count);
    expect(directory.append(keys)).toBe(reference.length);
    reference.push(...split(keys));
  } else if (op.kind === 'rotate') {
    const rotate = rotation(randomBytes(8));
    directory.rekeyAll((keys) => join(split(keys).map(rotate)));
    reference.splice(0, reference.length, ...reference.map(rotate));
  } else if (reference.length > 0) {
    const handles = [...new Set(op.at.map((n) => n % reference.length))];
    const keys = fresh(handles.length);
    directory.rekey(Uint32Array.from(handles), keys);
    for (const [i, key] of split(keys).entries()) reference[handles[i] as number] = key;
  }
}

function agrees(directory: AccountDirectory, reference: Reference): void {
  expect(directory.size).toBe(reference.length);
  const handles = Uint32Array.from(reference, (_, handle) => handle);
  expect(split(directory.keysAt(handles))).toEqual(reference);
  const keys = join(reference);
  expect(reference.map((_, i) => directory.find(keys, i))).toEqual([...handles]);
}

describe('AccountDirectory', () => {
  it('is the same in every process, whatever was lost on the way', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const store = new Store();
        const processes = [new Process(), new Process()];
        let durable: Reference = [];
        const gone = new Set<string>();
        for (const s of steps) {
          if (s.kind === 'look') {
            const reader = processes[s.reader] as Process;
            reader.follow(store);
            agrees(reader.directory, durable);
            continue;
          }
          const writer = processes[s.writer] as Process;
          writer.follow(store);
          const { directory } = writer;
          const reference = [...durable];
          const entries: Entry[] = [];
          const pages = new Map<number, IdentityPage>();
          const take = (): void => {
            const changed: ChangedPages = directory.takeChanged();
            expect(changed.pages.map(({ page }) => page)).toEqual(
              changed.digests.map(({ page }) => page),
            );
            for (const page of changed.pages) pages.set(page.page, page);
            entries.push({ size: reference.length, digests: changed.digests });
          };
          for (const { operation: op, taken } of s.operations) {
            perform(directory, reference, op);
            if (taken) take();
          }
          take();
          expect(directory.takeChanged()).toEqual({ pages: [], digests: [] });
          agrees(directory, reference);
          if (s.outcome !== 'lost') {
            store.write(entries, [...pages.values()]);
            for (const key of durable) gone.add(key);
            durable = reference;
          }
          if (s.outcome === 'durable') {
            for (const entry of entries) directory.expect(entry.size, entry.digests);
            writer.position = store.entries.length - 1;
            agrees(directory, durable);
          } else {
            processes[s.writer] = new Process();
          }
        }
        for (const process of processes) {
          process.follow(store);
          agrees(process.directory, durable);
          const old = [...gone].filter((key) => !durable.includes(key));
          expect(old.map((_, i) => process.directory.find(join(old), i))).toEqual(
            old.map(() => -1),
          );
          expect(process.directory.faults(store.since(-1))).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
