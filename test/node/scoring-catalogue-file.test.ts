import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  addItems,
  createCatalogue,
  HE_PRESETS,
  type ScoringCatalogue,
} from '../../src/he/index.ts';
import { loadCatalogue, saveCatalogue } from '../../src/node/index.ts';
import { unitVectors } from '../he/fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-catalogue-'));
afterAll(() => rmSync(folder, { recursive: true }));

function catalogueOf(parameters = HE_PRESETS.insecureToy, biases = true): ScoringCatalogue {
  return createCatalogue({
    parameters,
    items: unitVectors('filed', 150, 4),
    dimensions: 4,
    ...(biases ? { biases: Float32Array.from({ length: 150 }, (_, i) => i / 500) } : {}),
    heads: ['click', 'buy'],
    itemNormBound: 1,
    profileNormBound: 1,
  });
}

async function codeOfLoading(path: string, options = { allowInsecure: true }): Promise<string> {
  return loadCatalogue(path, options).then(
    () => 'loaded',
    (error) => error.code ?? error.name,
  );
}

describe('catalogue file', () => {
  it.each([
    ['three blocks with biases', catalogueOf()],
    ['one block without', catalogueOf(HE_PRESETS.exact, false)],
  ])('comes back: %s', async (name, catalogue) => {
    const path = join(folder, name);
    await saveCatalogue(path, catalogue);
    const loaded = await loadCatalogue(path, { allowInsecure: true });
    expect(loaded.description).toEqual(catalogue.description);
    expect(loaded.frame).toEqual(catalogue.frame);
    expect(loaded.blocks).toEqual(catalogue.blocks);
    expect(loaded.blocks[0]?.integers.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('is whole where the system takes only a part of what is written at once, or gives one', async () => {
    const catalogue = catalogueOf();
    const path = join(folder, 'short-writes');
    const handle = await open(join(folder, 'probe'), 'w');
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const { write, read } = prototype;
    const shortWrite = async function (this: FileHandle, bytes: Uint8Array): Promise<unknown> {
      return write.call(this, bytes.subarray(0, Math.ceil(bytes.length / 2)) as never);
    };
    const shortRead = async function (
      this: FileHandle,
      bytes: Uint8Array,
      at: number,
      length: number,
      position: number,
    ): Promise<unknown> {
      const fewer = [bytes, at, Math.ceil(length / 2), position];
      return Reflect.apply(read, this, fewer);
    };
    vi.spyOn(prototype, 'write').mockImplementation(shortWrite as never);
    vi.spyOn(prototype, 'read').mockImplementation(shortRead as never);
    try {
      await saveCatalogue(path, catalogue);
      expect((await loadCatalogue(path, { allowInsecure: true })).blocks).toEqual(catalogue.blocks);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('takes changes after loading, and replaces the file as a whole', async () => {
    const path = join(folder, 'changed');
    await saveCatalogue(path, catalogueOf(HE_PRESETS.default, false));
    const loaded = await loadCatalogue(path);
    const changed = addItems(loaded, Float32Array.of(0.1, 0, 0, 0, 0, 0.1, 0, 0));
    await saveCatalogue(path, changed);
    expect((await loadCatalogue(path)).description).toEqual(changed.description);
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('refuses a file cut at any place, and any changed byte', async () => {
    const path = join(folder, 'whole');
    await saveCatalogue(path, catalogueOf());
    const whole = readFileSync(path);
    const damagedPath = join(folder, 'damaged');
    const codes = new Set<string>();
    for (let at = 0; at < whole.length; at += at < 60 ? 1 : 23) {
      writeFileSync(damagedPath, whole.subarray(0, at));
      expect(await codeOfLoading(damagedPath)).toBe('data/truncated');
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 0x10;
      writeFileSync(damagedPath, changed);
      codes.add(await codeOfLoading(damagedPath));
    }
    expect([...codes].sort()).toEqual(['data/invalid-value', 'data/truncated']);
    writeFileSync(damagedPath, Buffer.concat([whole, Buffer.of(0)]));
    expect(await codeOfLoading(damagedPath)).toBe('data/invalid-value');
    writeFileSync(damagedPath, whole);
    expect(await codeOfLoading(damagedPath)).toBe('loaded');
  });

  it('refuses parameters that protect nobody, and files that are not there', async () => {
    const path = join(folder, 'toy');
    await saveCatalogue(path, catalogueOf());
    expect(await codeOfLoading(path, { allowInsecure: false })).toBe('he/insecure-parameters');
    expect(await codeOfLoading(join(folder, 'nowhere'))).toBe('data/missing-file');
    await expect(saveCatalogue(join(folder, 'no', 'folder'), catalogueOf())).rejects.toMatchObject({
      code: 'data/unwritable',
    });
  });
});
