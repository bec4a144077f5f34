import { describe, expect, it } from 'vitest';
import type { StoredStep } from '../../../src/federated/models/model-store.ts';
import { MemoryModelStore } from '../../../src/federated/models/model-store.ts';
import { ModelVersions } from '../../../src/federated/models/model-versions.ts';
import { invalidFile } from '../../../src/federated/models/tensor.ts';

/** Models are texts here; the empty one cannot be read back. */
const format = {
  encode: (model: string) => new TextEncoder().encode(model),
  decode: (bytes: Uint8Array) => {
    if (bytes.length === 0) throw invalidFile('empty');
    return new TextDecoder().decode(bytes);
  },
};

/** A store whose contents a test can spoil. */
class SpoiledStore extends MemoryModelStore {
  spoilFile: (bytes: Uint8Array | null) => Uint8Array | null = (bytes) => bytes;
  spoilSteps: (steps: readonly StoredStep[]) => readonly StoredStep[] = (steps) => steps;

  override async getFile(hash: Uint8Array): Promise<Uint8Array | null> {
    return this.spoilFile(await super.getFile(hash));
  }

  override async steps(from: number): Promise<readonly StoredStep[]> {
    return this.spoilSteps(await super.steps(0)).slice(from);
  }
}

async function three(): Promise<{ store: SpoiledStore; versions: ModelVersions<string> }> {
  const store = new SpoiledStore();
  let now = 0;
  const versions = new ModelVersions({ store, format, clock: () => ++now });
  for (const model of ['one', 'two', 'three']) await versions.publish(model);
  return { store, versions };
}

const invalid = expect.objectContaining({ code: 'federated/invalid-model-file' });
const broken = expect.objectContaining({ code: 'core/broken-chain' });

describe('ModelVersions', () => {
  it('is empty at first', async () => {
    const versions = new ModelVersions({ store: new MemoryModelStore(), format });
    expect(await versions.current()).toBeNull();
    expect(await versions.list()).toEqual([]);
    await expect(versions.load(1)).rejects.toThrow(
      expect.objectContaining({ code: 'federated/unknown-model-version' }),
    );
  });

  it('publishes, lists, rolls back and goes on from there', async () => {
    const { store, versions } = await three();
    expect(await versions.current()).toEqual({ version: 3, model: 'three' });
    await versions.rollBack(1);
    expect(await versions.current()).toEqual({ version: 1, model: 'one' });
    expect((await versions.list()).map(({ version, isCurrent }) => [version, isCurrent])).toEqual([
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(await versions.publish('four')).toBe(4);
    expect(
      (await versions.history()).map(({ action, version, time }) => [action, version, time]),
    ).toEqual([
      ['publish', 1, 1],
      ['publish', 2, 2],
      ['publish', 3, 3],
      ['roll-back', 1, 4],
      ['publish', 4, 5],
    ]);
    const later = new ModelVersions({ store, format });
    expect(await later.current()).toEqual({ version: 4, model: 'four' });
    expect(await later.load(2)).toEqual({ version: 2, model: 'two' });
    // SHA-256 of "one".
    expect((await later.list())[0]?.sha256).toBe(
      '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
    );
  });

  it.each([0, 4, -1, 1.5, NaN])('refuses to roll back to version %d', async (version) => {
    const { versions } = await three();
    await expect(versions.rollBack(version)).rejects.toThrow(
      expect.objectContaining({ code: 'federated/unknown-model-version' }),
    );
    expect((await versions.current())?.version).toBe(3);
  });

  it('never makes current what cannot be loaded', async () => {
    const { versions } = await three();
    await expect(versions.publish('')).rejects.toThrow(invalid);
    expect((await versions.current())?.version).toBe(3);
  });

  it('gives every one of many publishers a version of its own', async () => {
    const store = new MemoryModelStore();
    const publishers = Array.from({ length: 8 }, () => new ModelVersions({ store, format }));
    const numbers = await Promise.all(
      publishers.flatMap((versions, p) =>
        [0, 1, 2].map(async (i) => [await versions.publish(`${p}/${i}`), `${p}/${i}`] as const),
      ),
    );
    expect(numbers.map(([version]) => version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 24 }, (_, i) => i + 1),
    );
    const reader = new ModelVersions({ store, format });
    for (const [version, model] of numbers) {
      expect(await reader.load(version)).toEqual({ version, model });
    }
  });

  it('finds a file that was altered, cut short or lost, and keeps what is current', async () => {
    const { store, versions } = await three();
    const spoilers: readonly ((bytes: Uint8Array | null) => Uint8Array | null)[] = [
      () => null,
      () => new TextEncoder().encode('eno'),
      (bytes) => bytes?.subarray(0, 2) ?? null,
      () => new Uint8Array(0),
    ];
    for (const spoil of spoilers) {
      store.spoilFile = spoil;
      await expect(versions.load(1)).rejects.toThrow(invalid);
      await expect(versions.rollBack(1)).rejects.toThrow(invalid);
    }
    store.spoilFile = (bytes) => bytes;
    expect((await versions.current())?.version).toBe(3);
    expect(await versions.history()).toHaveLength(3);
  });

  it('finds a history that was altered', async () => {
    const spoilers: readonly ((steps: readonly StoredStep[]) => readonly StoredStep[])[] = [
      (steps) => steps.slice(1),
      (steps) => [...steps].reverse(),
      (steps) => steps.map((step, i) => (i === 1 ? { ...step, body: step.body.slice(1) } : step)),
      (steps) => steps.map((step, i) => (i === 1 ? { ...step, hash: new Uint8Array(32) } : step)),
      (steps) => [...steps, ...steps],
      (steps) => steps.filter((_, i) => i !== 1),
    ];
    for (const spoil of spoilers) {
      const { store } = await three();
      store.spoilSteps = spoil;
      await expect(new ModelVersions({ store, format }).current()).rejects.toThrow(broken);
    }
  });

  it('finds a history cut short against a head that was noted down', async () => {
    const { store, versions } = await three();
    const checkpoint = await versions.head();
    expect(await new ModelVersions({ store, format, checkpoint }).list()).toHaveLength(3);
    await versions.publish('four');
    const grown = new ModelVersions({ store, format, checkpoint });
    expect((await grown.current())?.version).toBe(4);
    for (const length of [0, 1, 2]) {
      store.spoilSteps = (steps) => steps.slice(0, length);
      const cut = new ModelVersions({ store, format, checkpoint });
      await expect(cut.current()).rejects.toThrow(broken);
      await expect(cut.publish('x')).rejects.toThrow(broken);
    }
    const { store: other } = await three();
    const replaced = new ModelVersions({ store: other, format, checkpoint });
    expect(await replaced.list()).toHaveLength(3);
    const elsewhere = new MemoryModelStore();
    const forger = new ModelVersions({ store: elsewhere, format });
    for (const model of ['one', 'TWO', 'three']) await forger.publish(model);
    await expect(
      new ModelVersions({ store: elsewhere, format, checkpoint }).current(),
    ).rejects.toThrow(broken);
  });

  it('refuses a chained step that makes no sense', async () => {
    const { store, versions } = await three();
    await versions.head();
    const { ModelHistory } = await import('../../../src/federated/models/model-history.ts');
    const { portableSha256 } = await import('../../../src/core/hash-chain.ts');
    const senseless = [
      { action: 'roll-back', version: 9, time: 0 },
      { action: 'publish', version: 9, sha256: new Uint8Array(32), length: 1, time: 0 },
      { action: 'publish', version: 4, sha256: new Uint8Array(31), length: 1, time: 0 },
      { action: 'delete', version: 1, time: 0 },
      { action: 'roll-back', version: 1, time: 0, more: 1 },
    ];
    for (const step of senseless) {
      const history = new ModelHistory(portableSha256);
      history.extend(await store.steps(0));
      expect(() => history.extend([history.encode(step as never)])).toThrow(broken);
    }
  });

  it('gives up on a store that takes no step and shows none', async () => {
    const store = new MemoryModelStore();
    store.append = async () => false;
    await expect(new ModelVersions({ store, format }).publish('x')).rejects.toThrow(broken);
  });
});
