import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountDirectory, type ChangedPages } from '../../../src/dp/budget/account-directory.ts';
import type { IdentityPage } from '../../../src/dp/budget/store.ts';

const directoryOf = (): AccountDirectory => new AccountDirectory((length) => randomBytes(length));
const keysOf = (count: number): Uint8Array => new Uint8Array(randomBytes(16 * count));
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

const SIZE = 600;
let keys: Uint8Array;
let directory: AccountDirectory;
let written: ChangedPages;
beforeEach(() => {
  keys = keysOf(SIZE);
  directory = directoryOf();
  directory.append(keys);
  written = directory.takeChanged();
});

/** One who has read the chain and nothing else. */
function reader(size = SIZE, digests = written.digests): AccountDirectory {
  const other = directoryOf();
  other.expect(size, digests);
  return other;
}

const altered = ({ page, bytes }: IdentityPage): IdentityPage => {
  const copy = bytes.slice();
  copy[20] = (copy[20] as number) ^ 1;
  return { page, bytes: copy };
};

describe('AccountDirectory', () => {
  it('writes pages of 256 keys behind 16 bytes of salt, and their SHA-256', () => {
    expect(written.pages.map(({ page, bytes }) => [page, bytes.length])).toEqual([
      [0, 16 + 4096],
      [1, 16 + 4096],
      [2, 16 + 16 * 88],
    ]);
    for (const [i, { page, bytes }] of written.pages.entries()) {
      expect(hex(bytes.subarray(16))).toBe(hex(keys.subarray(4096 * page, 4096 * (page + 1))));
      const digest = createHash('sha256').update(bytes).digest('hex');
      expect(hex(written.digests[i]?.digest)).toBe(digest);
    }
  });

  it('writes a page again only when it changed, always under another salt', () => {
    expect(directory.takeChanged()).toEqual({ pages: [], digests: [] });
    directory.rekey(Uint32Array.of(300), keysOf(1));
    const [second] = directory.takeChanged().pages;
    expect(second?.page).toBe(1);
    directory.append(keysOf(1));
    expect(directory.takeChanged().pages.map(({ page }) => page)).toEqual([2]);
    directory.rekeyAll((all) => all);
    const third = directory.takeChanged().pages;
    expect(third.map(({ page }) => page)).toEqual([0, 1, 2]);
    expect(hex(third[1]?.bytes.subarray(16))).toBe(hex(second?.bytes.subarray(16)));
    const salts = [...written.pages, second as IdentityPage, ...third].map(({ bytes }) =>
      hex(bytes.subarray(0, 16)),
    );
    expect(new Set(salts).size).toBe(7);
  });

  it('finds accounts by their present key only', () => {
    const key = keysOf(1);
    directory.rekey(Uint32Array.of(300), key);
    expect(directory.find(key, 0)).toBe(300);
    expect(directory.find(keys, 300)).toBe(-1);
    expect(directory.find(keys, 301)).toBe(301);
    expect(hex(directory.keysAt(Uint32Array.of(301, 300)))).toBe(
      hex(keys.subarray(16 * 301, 16 * 302)) + hex(key),
    );
  });

  it('reads keys at any offset', () => {
    const shifted = new Uint8Array(16 * SIZE + 1);
    shifted.set(keys, 1);
    const view = shifted.subarray(1);
    expect(directory.find(view, 599)).toBe(599);
    const other = directoryOf();
    other.append(view);
    expect(other.find(keys, 599)).toBe(599);
  });

  it('refuses keys that are known, twice there or of the wrong shape, and stays as it was', () => {
    const twice = keysOf(3);
    twice.copyWithin(32, 0, 16);
    const known = keysOf(2);
    known.set(keys.subarray(0, 16), 16);
    for (const bad of [twice, known, new Uint8Array(17)]) {
      expect(() => directory.append(bad)).toThrow(RangeError);
      expect(directory.size).toBe(SIZE);
      expect(directory.find(bad, 0)).toBe(-1);
    }
    expect(directory.takeChanged().pages).toEqual([]);
    expect(() => directory.rekey(Uint32Array.of(1), keys.subarray(0, 16))).toThrow(RangeError);
    expect(() => directory.rekey(Uint32Array.of(1, 2), keysOf(1))).toThrow(RangeError);
    expect(() => directory.rekey(Uint32Array.of(SIZE), keysOf(1))).toThrow(RangeError);
    expect(() => directory.rekeyAll((all) => new Uint8Array(all.length))).toThrow(RangeError);
    expect(() => directory.rekeyAll((all) => all.subarray(16))).toThrow(RangeError);
    expect(directory.find(keys, 1)).toBe(1);
  });
});

describe('AccountDirectory against the chain', () => {
  it('takes the newest pages, wherever they come from', () => {
    const other = reader();
    other.load(written.pages);
    expect(other.find(keys, 599)).toBe(599);
    expect(other.faults(written.pages)).toEqual([]);
    other.load([]);
    other.load(written.pages.slice(1, 2));
    expect(other.size).toBe(SIZE);
  });

  const newer = (): IdentityPage => {
    directory.rekey(Uint32Array.of(0), keysOf(1));
    return directory.takeChanged().pages[0] as IdentityPage;
  };
  /** Pages 0 and 2 share an account, and the chain says so. */
  const twice = (): ChangedPages => {
    const pages = written.pages.map(({ page, bytes }) => ({ page, bytes: bytes.slice() }));
    pages[2]?.bytes.set(keys.subarray(0, 16), 16 + 16 * 5);
    const digests = pages.map(({ page, bytes }) => ({
      page,
      digest: new Uint8Array(createHash('sha256').update(bytes).digest()),
    }));
    return { pages, digests };
  };

  it.each<readonly [string, number, RegExp, (pages: readonly IdentityPage[]) => IdentityPage[]]>([
    ['an altered page', 1, /altered/u, (p) => p.map((x) => (x.page === 1 ? altered(x) : x))],
    ['a page of other content', 0, /altered/u, (p) => [newer(), ...p.slice(1)]],
    ['a missing page at the start', 0, /missing/u, (p) => p.slice(1)],
    ['a missing page within', 1, /missing/u, (p) => p.filter(({ page }) => page !== 1)],
    ['a missing page at the end', 2, /missing/u, (p) => p.slice(0, 2)],
    ['no pages', 0, /missing/u, () => []],
    ['a foreign page', 3, /does not know/u, (p) => [...p, { page: 3, bytes: new Uint8Array(32) }]],
    [
      'swapped pages',
      0,
      /altered/u,
      (p) =>
        p.map(({ page }, i) => ({ page, bytes: p[[1, 0, 2][i] as number]?.bytes as Uint8Array })),
    ],
    [
      'a page cut short',
      1,
      /expected 4112 bytes, got 4096/u,
      (p) => p.map((x) => (x.page === 1 ? { page: 1, bytes: x.bytes.slice(0, 4096) } : x)),
    ],
  ])('names %s', (_, page, reason, spoil) => {
    const pages = spoil(written.pages);
    expect(() => reader().load(pages)).toThrow(
      expect.objectContaining({
        code: 'dp/budget-corrupt',
        details: { page },
        message: expect.stringMatching(reason),
      }),
    );
    const faults = reader().faults(pages);
    expect(faults.join('\n')).toMatch(new RegExp(`identity page ${page} .*${reason.source}`, 'u'));
  });

  it('names every bad page at once', () => {
    const [first, second] = written.pages as [IdentityPage, IdentityPage];
    expect(reader().faults([altered(first), second, second])).toEqual([
      expect.stringMatching(/page 0 .*altered/u),
      expect.stringMatching(/page 1 .*twice/u),
      expect.stringMatching(/page 2 .*missing/u),
    ]);
  });

  it('finds an account that two handles have', () => {
    const { pages, digests } = twice();
    const refused = expect.objectContaining({
      code: 'dp/budget-corrupt',
      details: { page: 2 },
      message: expect.stringMatching(/account 517 has the key of account 0/u),
    });
    expect(() => reader(SIZE, digests).load(pages)).toThrow(refused);
    const follower = reader();
    follower.load(written.pages);
    follower.expect(null, digests);
    expect(() => follower.load(pages)).toThrow(refused);
    expect(reader(SIZE, digests).faults(pages)).toEqual([
      expect.stringMatching(/page 2 .*account 517/u),
    ]);
  });

  it('waits for the pages of every entry it was told of', () => {
    const other = reader();
    other.load(written.pages);
    directory.rekey(Uint32Array.of(5), keysOf(1));
    const changed = directory.takeChanged();
    other.expect(null, changed.digests);
    expect(() => other.load([])).toThrow(expect.objectContaining({ details: { page: 0 } }));
    expect(other.faults(written.pages)).toEqual([
      expect.stringMatching(/page 0 .*not the newest/u),
    ]);
    other.load(changed.pages);
    expect(other.find(keys, 5)).toBe(-1);
  });

  it('takes pages in order only', () => {
    expect(() => reader().load([...written.pages].reverse())).toThrow(
      expect.objectContaining({ details: { page: 0 } }),
    );
  });

  it('finds that the chain says more accounts than there are pages for, or fewer', () => {
    const other = reader();
    other.load(written.pages);
    other.expect(3 * 256 + 1, []);
    expect(() => other.load([])).toThrow(expect.objectContaining({ details: { page: 2 } }));
    const fewer = reader(512);
    expect(() => fewer.load(written.pages)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/page 2 .*does not know it/u) }),
    );
    expect(fewer.faults(written.pages)).toEqual([expect.stringMatching(/page 2 .*not know it/u)]);
  });

  it('says what the chain said, newest digest of each page', () => {
    const other = reader();
    expect(other.expected()).toEqual(written.digests);
    directory.rekey(Uint32Array.of(300), keysOf(1));
    const [changed] = directory.takeChanged().digests;
    other.expect(null, changed === undefined ? [] : [changed]);
    expect(other.expected()).toEqual([written.digests[0], changed, written.digests[2]]);
    const third = reader(SIZE, other.expected());
    expect(third.faults(written.pages)).toEqual([expect.stringMatching(/page 1 /u)]);
  });

  it('finds that it has accounts which the chain never heard of', () => {
    directory.expect(SIZE, written.digests);
    directory.append(keysOf(1));
    expect(() => directory.load([])).toThrow(
      expect.objectContaining({ code: 'dp/budget-corrupt', details: { page: 2 } }),
    );
  });
});
