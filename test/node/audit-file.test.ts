import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditFile, readAuditFile } from '../../src/node/audit-file.ts';
import { verifyAuditLog } from '../../src/profile/audit/verify-log.ts';
import { newLog, readFact } from '../profile/audit/fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));
let names = 0;
const fresh = (): string => join(folder, `${names++}.jsonl`);

describe('openAuditFile', () => {
  it('keeps lines of JSON for its owner only, and goes on with them', async () => {
    const path = fresh();
    for (let i = 0; i < 2; i++) {
      const { log } = await newLog({ storage: await openAuditFile(path) });
      log.append(readFact());
      await log.close();
    }
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).entry.seq)).toEqual([0, 1]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await verifyAuditLog(readAuditFile(path))).toMatchObject({ ok: true, entries: 2 });
  });

  it('cuts off a torn line and nothing else', async () => {
    const path = fresh();
    const { log } = await newLog({ storage: await openAuditFile(path) });
    log.append(readFact());
    await log.close();
    const whole = readFileSync(path, 'utf8');
    appendFileSync(path, whole.slice(0, 40));
    const again = await newLog({ storage: await openAuditFile(path) });
    await again.log.close();
    expect(readFileSync(path, 'utf8')).toBe(whole);
  });

  it('has one writer at a time, under whatever name, and the next one after it', async () => {
    const path = fresh();
    const link = fresh();
    const { log } = await newLog({ storage: await openAuditFile(path) });
    log.append(readFact());
    await log.flush();
    symlinkSync(path, link);
    for (const name of [path, link, join(folder, '.', path.slice(folder.length))]) {
      await expect(openAuditFile(name)).rejects.toMatchObject({ code: 'data/in-use' });
    }
    log.append(readFact());
    await log.close();
    await log.close();
    const second = await openAuditFile(path);
    await second.close();
    await second.close();
    expect(await verifyAuditLog(readAuditFile(path))).toMatchObject({ ok: true, entries: 2 });
  });

  it('is free again after a log in it could not be opened', async () => {
    const path = fresh();
    writeFileSync(path, 'no log\n');
    for (let i = 0; i < 2; i++) {
      await expect(newLog({ storage: await openAuditFile(path) })).rejects.toMatchObject({
        code: 'core/broken-chain',
      });
    }
  });

  it('is kept from other processes, and free when its writer was killed', async () => {
    const path = fresh();
    const module = new URL('../../src/node/audit-file.ts', import.meta.url).href;
    const program = `import(${JSON.stringify(module)}).then(async ({ openAuditFile }) => {
      globalThis.kept = await openAuditFile(${JSON.stringify(path)});
      console.log('open');
      setTimeout(() => {}, 60_000);
    });`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    try {
      const first = await Promise.race([once(child.stdout, 'data'), ended]);
      expect(String(first[0])).toContain('open');
      await expect(openAuditFile(path)).rejects.toMatchObject({ code: 'data/in-use' });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    await (await openAuditFile(path)).close();
  });

  it('takes a file that others could read for its owner alone', async () => {
    const path = fresh();
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    await (await openAuditFile(path)).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}.lock`)).toMatchObject({ size: 0 });
    expect(statSync(`${path}.lock`).mode & 0o777).toBe(0o600);
  });

  it('stops when somebody else writes the file', async () => {
    const path = fresh();
    const { log } = await newLog({ storage: await openAuditFile(path) });
    appendFileSync(path, '{}\n');
    log.append(readFact());
    await expect(log.flush()).rejects.toMatchObject({ code: 'data/unwritable' });
    expect(readFileSync(path, 'utf8')).toBe('{}\n');
  });

  it('says which file is not there', async () => {
    await expect(verifyAuditLog(readAuditFile(fresh()))).rejects.toMatchObject({
      code: 'data/missing-file',
    });
    writeFileSync(join(folder, 'file'), '');
    await expect(openAuditFile(join(folder, 'file', 'log'))).rejects.toMatchObject({
      code: 'data/unwritable',
    });
  });
});
