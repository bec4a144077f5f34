import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decryptReplyFile } from '../../src/cli/score/decrypt.ts';
import { encodeItems } from '../../src/cli/score/encode.ts';
import { encryptProfileFile } from '../../src/cli/score/encrypt.ts';
import { generateKey } from '../../src/cli/score/keygen.ts';
import { runScoring } from '../../src/cli/score/run.ts';
import { scoreCommand } from '../../src/cli/score-command.ts';
import { scorePlain } from '../../src/he/index.ts';
import { loadCatalogue } from '../../src/node/index.ts';
import { unitVectors } from '../he/fixtures.ts';
import { type CommandRun, runCommand } from './command-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-score-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

const ACTIONS = {
  encode: encodeItems,
  keygen: generateKey,
  encrypt: encryptProfileFile,
  run: runScoring,
  decrypt: decryptReplyFile,
};

/** Runs `velatura score …` with files of the folder for what begins with @. */
function score(name: keyof typeof ACTIONS, ...args: string[]): Promise<CommandRun> {
  const nothing = async (): Promise<void> => {};
  const group = scoreCommand({
    encode: nothing,
    keygen: nothing,
    encrypt: nothing,
    run: nothing,
    decrypt: nothing,
  });
  const command = group.commands.find((each) => each.name() === name);
  if (command === undefined) throw new Error(`no command ${name}`);
  const given = args.map((each) => (each.startsWith('@') ? path(each.slice(1)) : each));
  return runCommand(command, ACTIONS[name] as never, ...given);
}

const ITEMS = 300;
const DIMENSIONS = 6;
const items = unitVectors('items', ITEMS, DIMENSIONS);
const profile = unitVectors('person', 1, DIMENSIONS);
const header = Array.from({ length: DIMENSIONS }, (_, i) => `f${i}`).join(',');
const lines = Array.from({ length: ITEMS }, (_, row) =>
  items.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS).join(','),
);
writeFileSync(path('items.csv'), `${header}\n${lines.join('\n')}\n`);
writeFileSync(path('profile.json'), JSON.stringify([...profile]));

const BOUNDS = ['--item-norm-bound', '1', '--profile-norm-bound', '1'];
const encoded = await score(
  'encode',
  '--items',
  '@items.csv',
  ...BOUNDS,
  '--out',
  '@items.catalogue',
);
const CLIENT = ['--description', '@items.catalogue.json'];

/** A key that has encrypted the profile, and the reply to it. */
async function asked(name: string): Promise<string[]> {
  await score('keygen', ...CLIENT, '--out', `@${name}.key`);
  const used = await score(
    'encrypt',
    ...CLIENT,
    ...['--profile', '@profile.json', '--key', `@${name}.key`, '--out', `@${name}.query`],
  );
  expect(used.code).toBe(0);
  const run = await score(
    'run',
    ...['--catalogue', '@items.catalogue', '--query', `@${name}.query`, '--out', `@${name}.reply`],
  );
  expect(run.code).toBe(0);
  return [...CLIENT, '--key', `@${name}.key`, '--reply', `@${name}.reply`];
}

describe('velatura score', () => {
  it('goes the whole way on files, and ranks as plain scoring does', async () => {
    expect(encoded.json).toMatchObject({ items: ITEMS, dimensions: DIMENSIONS });
    const key = await score('keygen', ...CLIENT, '--out', '@way.key');
    expect(key.code).toBe(0);
    expect(statSync(path('way.key')).mode & 0o777).toBe(0o600);
    const query = await score(
      'encrypt',
      ...CLIENT,
      ...['--profile', '@profile.json', '--key', '@way.key', '--out', '@way.query'],
    );
    expect(query.json).toMatchObject({ items: ITEMS, upBytes: encoded.json.upBytes });
    const run = await score(
      'run',
      ...['--catalogue', '@items.catalogue', '--query', '@way.query', '--out', '@way.reply'],
    );
    expect(run.json).toMatchObject({
      items: ITEMS,
      upBytes: statSync(path('way.query')).size,
      downBytes: statSync(path('way.reply')).size,
    });
    expect(run.json.upBytes).toBe(encoded.json.upBytes);
    expect(run.json.downBytes).toBe(encoded.json.downBytes);
    expect(run.json.serverMs).toBeGreaterThan(0);
    const { json, code, printed } = await score(
      'decrypt',
      ...CLIENT,
      ...['--key', '@way.key', '--reply', '@way.reply', '--top', '5'],
    );
    expect(code).toBe(0);
    expect(json).toMatchObject({ items: ITEMS, downBytes: run.json.downBytes });
    const plain = scorePlain(await loadCatalogue(path('items.catalogue')), profile);
    const fifth = [...plain].sort((a, b) => b - a)[4] as number;
    const bound = encoded.json.scoreErrorBound;
    expect(json.ranking.length).toBe(5);
    for (const { item, score } of json.ranking) {
      expect(plain[item]).toBeGreaterThanOrEqual(fifth - 2 * bound);
      expect(Math.abs(score - (plain[item] as number))).toBeLessThanOrEqual(2 * bound);
      expect(printed).toContain(String(item));
    }
    expect(existsSync(path('way.key'))).toBe(false);
  });

  it('filters, and keeps the key where told to', async () => {
    const args = await asked('filter');
    writeFileSync(path('only.json'), '[5,6,7]');
    const kept = await score('decrypt', ...args, '--only', '@only.json', '--keep-key');
    expect(kept.json.ranking.map(({ item }: { item: number }) => item).sort()).toEqual([5, 6, 7]);
    const rest = await score('decrypt', ...args, '--only', '5,6,7', '--exclude', '6');
    expect(rest.json.ranking.map(({ item }: { item: number }) => item).sort()).toEqual([5, 7]);
  });

  it('uses a key once, also when two ask at once', async () => {
    await score('keygen', ...CLIENT, '--out', '@once.key');
    const again = (out: string): Promise<CommandRun> =>
      score(
        'encrypt',
        ...CLIENT,
        ...['--profile', '@profile.json', '--key', '@once.key', '--out', out],
      );
    const both = await Promise.all([again('@a.query'), again('@b.query')]);
    expect(both.map(({ errorCode }) => errorCode).sort()).toEqual(['he/key-used', null]);
    expect([path('a.query'), path('b.query')].filter(existsSync).length).toBe(1);
    expect((await again('@c.query')).errorCode).toBe('he/key-used');
    // Neither another name nor a link makes it new.
    symlinkSync(path('once.key'), path('link.key'));
    const linked = ['--profile', '@profile.json', '--key', '@link.key', '--out', '@d.query'];
    expect((await score('encrypt', ...CLIENT, ...linked)).errorCode).toBe('he/key-used');
    renameSync(path('once.key'), path('renamed.key'));
    const renamed = ['--profile', '@profile.json', '--key', '@renamed.key', '--out', '@d.query'];
    expect((await score('encrypt', ...CLIENT, ...renamed)).errorCode).toBe('he/key-used');
    renameSync(path('renamed.key'), path('once.key'));
    expect(statSync(path('once.key')).mode & 0o777).toBe(0o600);
    const twice = await score('keygen', ...CLIENT, '--out', '@once.key');
    expect(twice.errorCode).toBe('data/unwritable');
  });

  it('marks the file behind a link', async () => {
    await score('keygen', ...CLIENT, '--out', '@target.key');
    symlinkSync(path('target.key'), path('alias.key'));
    const encrypt = (key: string): Promise<CommandRun> =>
      score(
        'encrypt',
        ...CLIENT,
        ...['--profile', '@profile.json', '--key', key, '--out', '@link.query'],
      );
    expect((await encrypt('@alias.key')).code).toBe(0);
    expect((await encrypt('@target.key')).errorCode).toBe('he/key-used');
  });

  it('holds the catalogue to the norm bound that is given', async () => {
    await score('keygen', ...CLIENT, '--out', '@bound.key');
    const encrypt = (bound: string): Promise<CommandRun> =>
      score(
        'encrypt',
        ...CLIENT,
        ...['--profile', '@profile.json', '--key', '@bound.key', '--out', '@bound.query'],
        ...['--profile-norm-bound', bound],
      );
    expect((await encrypt('2')).errorCode).toBe('he/wrong-catalogue');
    expect((await encrypt('1')).code).toBe(0);
  });

  it('warns when others may read a key', async () => {
    await score('keygen', ...CLIENT, '--out', '@open.key');
    chmodSync(path('open.key'), 0o644);
    const { said } = await score(
      'encrypt',
      ...CLIENT,
      ...['--profile', '@profile.json', '--key', '@open.key', '--out', '@open.query'],
    );
    expect(said).toContain('others may read');
  });

  it('takes presets, packings and biases', async () => {
    writeFileSync(path('biases.csv'), `bias\n${'0.5\n'.repeat(ITEMS)}`);
    const args = ['--items', '@items.csv', ...BOUNDS, '--out', '@other.catalogue'];
    const plain = await score(
      'encode',
      ...args,
      '--preset',
      'exact',
      '--features-per-ciphertext',
      '1',
    );
    expect(plain.json).toMatchObject({
      preset: 'exact',
      featuresPerCiphertext: 1,
      scoreErrorBound: 0,
    });
    const biased = await score('encode', ...args, '--biases', '@biases.csv', '--columns', 'f1, f2');
    expect(biased.json).toMatchObject({ dimensions: 2, preset: 'default' });
    expect(biased.json.matrixBytes).toBe(ITEMS * 6);
    expect(biased.printed).toContain('cheaper');
  });
});

describe('velatura score, refusing', () => {
  it.each<[string, string, number, string | null]>([
    ['features-per-ciphertext', '0', 64, 'cli/usage'],
    ['features-per-ciphertext', 'many', 64, 'cli/usage'],
    ['item-norm-bound', '-1', 64, 'cli/usage'],
    ['item-norm-bound', '0.5', 1, 'he/value-out-of-range'],
    ['columns', 'f1,nope', 1, 'data/missing-column'],
    ['biases', '@items.csv', 1, 'data/invalid-value'],
    ['preset', 'insecureToy', 64, null],
  ])('encode with --%s %s', async (option, value, code, errorCode) => {
    const args = [
      '--items',
      '@items.csv',
      ...BOUNDS,
      '--out',
      '@bad.catalogue',
      `--${option}`,
      value,
    ];
    expect(await score('encode', ...args)).toMatchObject({ code, errorCode });
    expect(existsSync(path('bad.catalogue'))).toBe(false);
  });

  it.each<[string, string, string]>([
    ['too short', '[1,2,3]', 'data/invalid-value'],
    ['no vector', '{"a":1}', 'data/invalid-value'],
    ['not of numbers', '[1,2,3,4,5,"6"]', 'data/invalid-value'],
    ['too long for its bound', '[1,1,1,1,1,1]', 'he/value-out-of-range'],
    ['no JSON', '[0.8765, x', 'data/invalid-value'],
  ])('encrypt a profile that is %s, and leaves the key unused', async (_, text, errorCode) => {
    writeFileSync(path('bad.json'), text);
    rmSync(path('fresh.key'), { force: true });
    await score('keygen', ...CLIENT, '--out', '@fresh.key');
    const run = await score(
      'encrypt',
      ...CLIENT,
      ...['--profile', '@bad.json', '--key', '@fresh.key', '--out', '@bad.query'],
    );
    expect(run).toMatchObject({ code: 1, errorCode });
    expect(JSON.parse(readFileSync(path('fresh.key'), 'utf8')).queryId).toBeNull();
    expect(run.said + run.printed).not.toContain('0.8765');
    expect(existsSync(path('bad.query'))).toBe(false);
  });

  it('keys that are none, are of other parameters, or have encrypted nothing', async () => {
    await score('keygen', ...CLIENT, '--out', '@unused.key');
    writeFileSync(path('any.reply'), new Uint8Array(100));
    const decrypt = (key: string): Promise<CommandRun> =>
      score('decrypt', ...CLIENT, '--key', key, '--reply', '@any.reply');
    expect((await decrypt('@unused.key')).errorCode).toBe('he/wrong-query');
    expect((await decrypt('@none.key')).errorCode).toBe('data/missing-file');
    expect((await decrypt('@profile.json')).errorCode).toBe('data/invalid-value');
    const key = JSON.parse(readFileSync(path('unused.key'), 'utf8'));
    writeFileSync(path('other.key'), JSON.stringify({ ...key, parametersId: '0'.repeat(16) }));
    expect((await decrypt('@other.key')).errorCode).toBe('he/malformed-message');
    writeFileSync(
      path('short.key'),
      JSON.stringify({ ...key, queryId: 'a'.repeat(32), secret: 'AAAA' }),
    );
    expect((await decrypt('@short.key')).errorCode).toBe('he/malformed-message');
  });

  it('replies to other queries, damaged ones and lists that are none, and keeps the key for the right one', async () => {
    const args = await asked('right');
    await asked('wrong');
    const withReply = (reply: string, ...more: string[]): Promise<CommandRun> =>
      score('decrypt', ...CLIENT, '--key', '@right.key', '--reply', reply, ...more);
    expect((await withReply('@wrong.reply')).errorCode).toBe('he/wrong-query');
    writeFileSync(path('cut.reply'), readFileSync(path('right.reply')).subarray(0, 1000));
    expect((await withReply('@cut.reply')).errorCode).toBe('he/malformed-message');
    for (const more of [
      ['--top', '0'],
      ['--top', 'all'],
      ['--exclude', '300'],
      ['--only', '1,x'],
      ['--head', 'buy'],
    ]) {
      expect(await withReply('@right.reply', ...more)).toMatchObject({
        code: 64,
        errorCode: 'cli/usage',
      });
    }
    expect((await score('decrypt', ...args)).code).toBe(0);
  });

  it('queries and catalogues that are none', async () => {
    const run = (catalogue: string, query: string): Promise<CommandRun> =>
      score('run', '--catalogue', catalogue, '--query', query, '--out', '@no.reply');
    expect((await run('@items.catalogue', '@items.csv')).errorCode).toBe('he/malformed-message');
    expect((await run('@items.catalogue', '@nothing')).errorCode).toBe('data/missing-file');
    expect((await run('@nothing', '@items.csv')).errorCode).toBe('data/missing-file');
    expect((await run('@items.csv', '@items.csv')).code).toBe(1);
    expect(existsSync(path('no.reply'))).toBe(false);
  });
});
