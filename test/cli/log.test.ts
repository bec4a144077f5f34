import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyLog } from '../../src/cli/log/verify.ts';
import { logCommand } from '../../src/cli/log-command.ts';
import { openAuditFile } from '../../src/node/audit-file.ts';
import { newLog, operator, readFact } from '../profile/audit/fixtures.ts';
import { type CommandRun, runCommand } from './command-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-log-'));
const file = join(folder, 'audit.jsonl');
const headFile = join(folder, 'head.json');
const key = Buffer.from(operator.publicKey).toString('hex');

beforeAll(async () => {
  const { log } = await newLog({ storage: await openAuditFile(file) });
  for (let i = 0; i < 5; i++) log.append(readFact());
  writeFileSync(headFile, JSON.stringify(await log.head()));
  await log.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function verify(...args: string[]): Promise<CommandRun & { exit: number }> {
  const before = process.exitCode;
  process.exitCode = 0;
  const command = logCommand({ verify: async () => {} }).commands[0];
  if (command === undefined) throw new Error('the group has no commands');
  const run = await runCommand(command, verifyLog, ...args);
  const exit = run.code === 0 ? Number(process.exitCode) : run.code;
  process.exitCode = before;
  return { ...run, exit };
}

describe('velatura log verify', () => {
  it('says that a log is whole', async () => {
    const run = await verify('--log', file);
    expect(run).toMatchObject({ exit: 0, json: { chain: { ok: true, entries: 5 } } });
    expect(run.printed).toMatch(/^ok: 5 entries/);
  });

  it('holds it against a noted head and the key that signed it', async () => {
    const run = await verify('--log', file, '--head', headFile, '--public-key', key);
    expect(run.exit).toBe(0);
    expect(run.printed).toContain('The noted head is an entry of this log, signed.');
    const stranger = await verify(
      '--log',
      file,
      '--head',
      headFile,
      '--public-key',
      'cd'.repeat(32),
    );
    expect(stranger.exit).toBe(1);
    expect(stranger.printed).toContain('not by the expected key');
    const witness = await verify('--log', file, '--head', headFile, '--witness-key', key);
    expect(witness.printed).toContain('has not co-signed');
  });

  it('names the entry that was altered, and exits 1', async () => {
    const altered = join(folder, 'altered.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    lines[3] = lines[3]?.replace('kitchen', 'chicken') as string;
    writeFileSync(altered, lines.join('\n'));
    const run = await verify('--log', altered);
    expect(run).toMatchObject({
      exit: 1,
      json: { chain: { ok: false, faults: [{ kind: 'altered', seq: 3, line: 4 }] } },
    });
    expect(run.printed).toContain('entry 3 was altered after it was written');
    lines.splice(2);
    writeFileSync(altered, `${lines.join('\n')}\n`);
    const cut = await verify('--log', altered, '--head', headFile);
    expect(cut.printed).toContain('the log ends before it');
  });

  it('refuses what it cannot read', async () => {
    expect(await verify('--log', join(folder, 'none'))).toMatchObject({
      errorCode: 'data/missing-file',
    });
    const nonsense = join(folder, 'nonsense');
    writeFileSync(nonsense, '{"head":{"seq":"x"},"witnesses":[]}');
    for (const head of [nonsense, file]) {
      expect(await verify('--log', file, '--head', head)).toMatchObject({
        errorCode: 'core/invalid-head',
      });
    }
    expect(await verify('--log', file, '--head', 'nowhere')).toMatchObject({
      errorCode: 'data/missing-file',
    });
    expect(await verify('--log', file, '--public-key', key)).toMatchObject({ exit: 64 });
    expect(await verify('--log', file, '--head', headFile, '--public-key', 'x')).toMatchObject({
      exit: 64,
    });
  });
});
