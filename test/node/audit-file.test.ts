import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
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
