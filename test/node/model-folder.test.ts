import { spawn } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelVersions } from '../../src/federated/models/model-versions.ts';
import { openModelFolder } from '../../src/node/model-folder.ts';
import { nodeSha256 } from '../../src/node/sha256.ts';
import { textFormat } from './fixtures/text-format.ts';

const root = mkdtempSync(join(tmpdir(), 'velatura-models-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function newFolder(): string {
  return join(root, `models-${folders++}`);
}

async function open(folder: string): Promise<ModelVersions<string>> {
  return new ModelVersions({
    store: await openModelFolder(folder),
    format: textFormat,
    sha256: nodeSha256,
  });
}

/** Runs a publisher; kills it after so many lines, or lets it end. */
function publisher(
  folder: string,
  name: string,
  count: number,
  killAfter = Infinity,
): Promise<string[]> {
  const script = new URL('./fixtures/model-publisher.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(said.split('\n').filter((line) => /^\d+ \S+$/.test(line))));
  });
}

const broken = expect.objectContaining({ code: 'core/broken-chain' });
const invalid = expect.objectContaining({ code: 'federated/invalid-model-file' });

describe('a folder of models', () => {
  it('keeps versions from one opening to the next, readable by their owner only', async () => {
    const folder = newFolder();
    const versions = await open(folder);
    await versions.publish('one');
    await versions.publish('two');
    await versions.rollBack(1);
    const again = await open(folder);
    expect(await again.current()).toEqual({ version: 1, model: 'one' });
    expect(await again.load(2)).toEqual({ version: 2, model: 'two' });
    const files = ['history', 'models'].flatMap((name) =>
      readdirSync(join(folder, name)).map((file) => join(folder, name, file)),
    );
    expect(files).toHaveLength(5);
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('sees at once what another opening publishes', async () => {
    const folder = newFolder();
    const [here, there] = [await open(folder), await open(folder)];
    await here.publish('one');
    expect(await there.current()).toEqual({ version: 1, model: 'one' });
    await there.publish('two');
    expect((await here.current())?.model).toBe('two');
  });

  it('finds torn and altered files', async () => {
    const folder = newFolder();
    const versions = await open(folder);
    await versions.publish('one');
    await versions.publish('two');
    const models = readdirSync(join(folder, 'models')).map((name) => join(folder, 'models', name));
    for (const model of models) truncateSync(model, 1);
    await expect((await open(folder)).current()).rejects.toThrow(invalid);
    await versions.publish('two');
    expect(await (await open(folder)).current()).toEqual({ version: 3, model: 'two' });

    const step = (seq: number) => join(folder, 'history', `0000000${seq}.step`);
    truncateSync(step(1), 40);
    await expect((await open(folder)).current()).rejects.toThrow(broken);
    writeFileSync(step(1), '');
    await expect((await open(folder)).current()).rejects.toThrow(broken);
    rmSync(step(1));
    await expect((await open(folder)).current()).rejects.toThrow(broken);
    await expect((await open(folder)).publish('x')).rejects.toThrow(broken);
  });

  it('sweeps what killed processes left, once it is old', async () => {
    const folder = newFolder();
    await (await open(folder)).publish('one');
    const fresh = join(folder, 'history', '00000001.step.0123456789ab.new');
    const old = join(folder, 'models', 'x.safetensors.0123456789ab.new');
    writeFileSync(fresh, 'half');
    writeFileSync(old, 'half');
    utimesSync(old, 0, 0);
    expect((await (await open(folder)).current())?.version).toBe(1);
    expect(readdirSync(join(folder, 'models'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'history'))).toHaveLength(2);
  });

  it('refuses a path that is no folder', async () => {
    const file = newFolder();
    writeFileSync(file, '');
    await expect(openModelFolder(file)).rejects.toThrow(
      expect.objectContaining({ code: 'data/unwritable' }),
    );
  });
});

describe('processes that publish at once', () => {
  it('share the numbers out, none lost, none twice', async () => {
    const folder = newFolder();
    const said = await Promise.all(['a', 'b', 'c'].map((name) => publisher(folder, name, 6)));
    const lines = said.flat();
    const numbers = lines.map((line) => Number(line.split(' ')[0])).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
    const versions = await open(folder);
    for (const line of lines) {
      const [version, name] = line.split(' ') as [string, string];
      expect((await versions.load(Number(version))).model.startsWith(`${name}/`)).toBe(true);
    }
  });

  it.each([2, 7])('killed after %i: keep all that was acknowledged, nothing half', async (n) => {
    const folder = newFolder();
    const said = await publisher(folder, 'a', 1000, n);
    expect(said.length).toBeGreaterThanOrEqual(n);
    expect(said.length).toBeLessThan(1000);
    const versions = await open(folder);
    const list = await versions.list();
    // One more than it said may be there: the kill came before the word.
    expect(list.length - said.length).toBeGreaterThanOrEqual(0);
    expect(list.length - said.length).toBeLessThanOrEqual(1);
    for (const { version } of list) {
      expect((await versions.load(version)).model.startsWith(`a/${version - 1}/`)).toBe(true);
    }
    expect(await versions.publish('after')).toBe(list.length + 1);
  });
});
