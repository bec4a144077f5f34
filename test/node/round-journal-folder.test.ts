import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderRoundJournal } from '../../src/node/round-journal-folder.ts';

describe('FolderRoundJournal', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'velatura-journal-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('lets a round begin once, whoever asks', async () => {
    const path = join(folder, 'run', 'journal');
    expect(await new FolderRoundJournal(path).begin('run/1')).toBe(true);
    const other = new FolderRoundJournal(path);
    expect(await other.begin('run/1')).toBe(false);
    expect(await other.begin('run/2')).toBe(true);
    expect(await other.begin(`../${'x'.repeat(1000)}`)).toBe(true);
    expect((await readdir(path)).length).toBe(3);
    expect((await readdir(folder)).length).toBe(1);
  });

  it('lets one of many begin it at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => new FolderRoundJournal(folder).begin('run/1')),
    );
    expect(answers.filter(Boolean).length).toBe(1);
  });

  it('takes what a killed process left for a round that began', async () => {
    const journal = new FolderRoundJournal(folder);
    await journal.begin('run/1');
    const [name] = await readdir(folder);
    await writeFile(join(folder, name as string), '');
    expect(await new FolderRoundJournal(folder).begin('run/1')).toBe(false);
  });

  it('says when it cannot keep anything', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(new FolderRoundJournal(join(file, 'below')).begin('run/1')).rejects.toMatchObject({
      code: 'data/unwritable',
    });
    expect(await new FolderRoundJournal(folder).begin('run/1')).toBe(true);
  });
});
