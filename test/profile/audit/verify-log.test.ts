import { describe, expect, it } from 'vitest';
import type { ChainEntry } from '../../../src/core/hash-chain.ts';
import type { SignedHead } from '../../../src/core/signed-head.ts';
import { HeadWitness } from '../../../src/core/witness.ts';
import { verifyEd25519 } from '../../../src/node/ed25519.ts';
import { nodeSha256 } from '../../../src/node/sha256.ts';
import { MAX_LINE, readLine } from '../../../src/profile/audit/audit-line.ts';
import { MemoryAuditStorage } from '../../../src/profile/audit/audit-storage.ts';
import {
  auditChain,
  type VerifyAuditLogOptions,
  verifyAuditLog,
} from '../../../src/profile/audit/verify-log.ts';
import { START } from '../fixtures.ts';
import { newLog, operator, readFact, textOf, witness } from './fixtures.ts';

/** Lines of a log of so many entries, with a signed head after each. */
async function sampleLog(
  entries = 8,
  actor = 'ranker',
): Promise<{ lines: string[]; heads: SignedHead[] }> {
  const { log, storage, clock } = await newLog();
  const heads: SignedHead[] = [];
  for (let i = 0; i < entries; i++) {
    clock.time = START + i;
    log.append(readFact({ actor }));
    heads.push(await log.head());
  }
  return { lines: (await textOf(storage)).trimEnd().split('\n'), heads };
}

function check(
  lines: readonly string[],
  options: VerifyAuditLogOptions = {},
  end = '\n',
): ReturnType<typeof verifyAuditLog> {
  const bytes = new TextEncoder().encode(lines.join('\n') + end);
  // In odd pieces, so that lines are cut at every place.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 61) }, (_, i) =>
    bytes.slice(61 * i, 61 * i + 61),
  );
  return verifyAuditLog(pieces, { sha256: nodeSha256, ...options });
}

const kinds = async (result: ReturnType<typeof verifyAuditLog>): Promise<unknown[]> =>
  (await result).faults.map(({ kind, seq, line }) => [kind, seq, line]);

const spliced = (
  lines: readonly string[],
  at: number,
  count: number,
  ...more: string[]
): string[] => {
  const copy = [...lines];
  copy.splice(at, count, ...more);
  return copy;
};

const flipped = (line: string): string =>
  line.replace(/"hash":"(.)/, (_, digit) => `"hash":"${digit === '0' ? '1' : '0'}`);

describe('a line without end', () => {
  const parts = function* (bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
  };

  it.each([0, 1])('is no entry with %i bytes too many, and what follows is read', async (over) => {
    const { lines } = await sampleLog(2);
    const text = lines.map((line) => new TextEncoder().encode(`${line}\n`));
    const [first, second] = text as [Uint8Array, Uint8Array];
    // Blanks are JSON as well: the line stays a record, with a hash that does not fit.
    const bytes = new Uint8Array(MAX_LINE + over + second.length).fill(32);
    bytes.set(first.subarray(0, 10));
    bytes.set(first.subarray(10), MAX_LINE + over - first.length + 10);
    bytes.set(second, MAX_LINE + over);
    const found = await verifyAuditLog(parts(bytes), { sha256: nodeSha256 });
    expect(found.faults.map(({ kind, line }) => [kind, line])).toEqual([
      [over === 0 ? 'altered' : 'malformed', 1],
    ]);
    expect(found.entries).toBe(2 - over);
  });

  it('is torn when the file ends in it', async () => {
    const bytes = new Uint8Array(MAX_LINE + 5).fill(32);
    const { faults } = await verifyAuditLog(parts(bytes));
    expect(faults.map(({ kind, line }) => [kind, line])).toEqual([['torn-end', 1]]);
  });
});

describe('verifyAuditLog', () => {
  it('finds nothing wrong with a log as it was written', async () => {
    const { lines, heads } = await sampleLog();
    expect(await check(lines, { heads })).toMatchObject({
      ok: true,
      entries: 8,
      head: heads.at(-1)?.hash,
      faults: [],
    });
    expect(await check([], {}, '')).toMatchObject({ ok: true, entries: 0 });
  });

  it('names each entry whose content was altered', async () => {
    const { lines } = await sampleLog();
    lines[2] = lines[2]?.replace('ranker', 'banker') as string;
    lines[5] = lines[5]?.replace('ranker', 'tanker') as string;
    lines[6] = lines[6]?.replace('ranker', 'tanker') as string;
    expect(await kinds(check(lines))).toEqual([
      ['altered', 2, 3],
      ['altered', 5, 6],
      ['altered', 6, 7],
    ]);
  });

  it('tells an altered hash from an altered content', async () => {
    const { lines } = await sampleLog();
    lines[3] = flipped(lines[3] as string);
    expect(await kinds(check(lines))).toEqual([['hash-altered', 3, 4]]);
    const garbled = spliced(lines, 3, 1, (lines[3] as string).replace(/"hash":"./, '"hash":"z'));
    expect(await kinds(check(garbled))).toEqual([['hash-altered', 3, 4]]);
    const last = await sampleLog();
    last.lines[7] = flipped(last.lines[7] as string);
    expect(await kinds(check(last.lines))).toEqual([['altered', 7, 8]]);
  });

  it('names what was removed, moved, repeated or garbled', async () => {
    const { lines } = await sampleLog();
    expect(await kinds(check(spliced(lines, 3, 2)))).toEqual([['missing', 3, 4]]);
    expect(await kinds(check(spliced(lines, 0, 1)))).toEqual([['missing', 0, 1]]);
    expect(await kinds(check(spliced(lines, 4, 0, lines[2] as string)))).toEqual([
      ['out-of-order', 2, 5],
    ]);
    expect(await kinds(check(spliced(lines, 4, 1, '{"entry":{},"hash":""}')))).toEqual([
      ['malformed', null, 5],
    ]);
    const swapped = spliced(lines, 3, 2, lines[4] as string, lines[3] as string);
    expect(await kinds(check(swapped))).toEqual([
      ['missing', 3, 4],
      ['out-of-order', 3, 5],
    ]);
  });

  it('says when the last line has no end', async () => {
    const { lines } = await sampleLog(2);
    expect(await kinds(check([...lines, '{"entry":{"se'], {}, ''))).toEqual([
      ['torn-end', null, 3],
    ]);
  });

  it('takes nothing but UTF-8', async () => {
    const { lines } = await sampleLog(2);
    const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`);
    bytes[bytes.indexOf('r'.charCodeAt(0), 60)] = 0xff;
    expect((await verifyAuditLog([bytes])).faults[0]?.kind).toBe('malformed');
  });

  it('finds a cut and a rewritten log by heads alone', async () => {
    const { lines, heads } = await sampleLog();
    const [, early, , middle, , , , late] = heads as [
      SignedHead,
      SignedHead,
      SignedHead,
      SignedHead,
      SignedHead,
      SignedHead,
      SignedHead,
      SignedHead,
    ];
    const cut = lines.slice(0, 6);
    expect(await check(cut)).toMatchObject({ ok: true });
    expect(await kinds(check(cut, { heads: [late, middle] }))).toEqual([['rolled-back', 6, null]]);
    // Rewritten from entry 2 on by somebody who makes the chain anew.
    const chain = auditChain();
    let { seq, hash } = chain.start() as { seq: number; hash: Uint8Array };
    const forged = lines.map((line) => {
      const body = readLine(new TextEncoder().encode(line))?.body as Uint8Array;
      const text = new TextDecoder().decode(body);
      const changed = seq < 1 ? text : text.replace('ranker', 'nobody');
      const entry = chain.append({ seq, hash }, new TextEncoder().encode(changed));
      ({ seq, hash } = entry);
      return `{"entry":${changed},"hash":"${Buffer.from(hash).toString('hex')}"}`;
    });
    expect(await check(forged)).toMatchObject({ ok: true });
    expect(await check(forged, { heads: [early] })).toMatchObject({ ok: true });
    const found = await check(forged, { heads: [late, early, middle, 'f'.repeat(64)] });
    expect(found.faults.map(({ kind, seq }) => [kind, seq])).toContainEqual(['rewritten', 2]);
    expect(found.faults.map(({ message }) => message).join('\n')).toContain('from 2 to 3');
    expect(found.faults).toHaveLength(3);
  });

  it('finds an entry that is dated before the one in front of it', async () => {
    const { lines } = await sampleLog(3);
    const chain = auditChain();
    let head = chain.start();
    const forged = lines.map((line, i) => {
      const { entry } = JSON.parse(line);
      const body = JSON.stringify({ ...entry, time: i === 1 ? START - 1 : entry.time });
      const { seq, hash } = chain.append(head, new TextEncoder().encode(body));
      head = { seq, hash };
      return `{"entry":${body},"hash":"${Buffer.from(hash).toString('hex')}"}`;
    });
    expect(await kinds(check(forged))).toEqual([['time-back', 1, 2]]);
  });

  it('checks who signed and co-signed a noted head', async () => {
    const { lines, heads } = await sampleLog(4);
    const head = heads[3] as SignedHead;
    const entries = entriesOf(lines);
    const notary = new HeadWitness({
      chain: auditChain(),
      signer: witness,
      verify: verifyEd25519,
      operatorKey: operator.publicKey,
      clock: () => START,
      remember: () => {},
    });
    const mark = await notary.cosign(head, entries);
    const signers = { operator: operator.publicKey, witnesses: [witness.publicKey] };
    const options = { verifySignature: verifyEd25519, signers };
    const sound = { head, witnesses: [mark] };
    expect(await check(lines, { ...options, heads: [sound] })).toMatchObject({ ok: true });
    for (const bad of [
      head,
      head.hash,
      { head, witnesses: [] },
      { head, witnesses: [{ ...mark, time: START + 1 }] },
      { head, witnesses: [{ ...mark, publicKey: 'no key' }] },
      { head: { ...head, time: head.time + 1 }, witnesses: [mark] },
    ]) {
      expect(await kinds(check(lines, { ...options, heads: [bad] }))).toEqual([
        ['bad-signature', null, null],
      ]);
    }
    await expect(check(lines, { signers, heads: [sound] })).rejects.toThrow(TypeError);
  });

  it('counts faults beyond the first hundred', async () => {
    const garbage = Array.from({ length: 130 }, () => 'x');
    const found = await check(garbage);
    expect([found.faults.length, found.further]).toEqual([100, 30]);
  });
});

function entriesOf(lines: readonly string[]): ChainEntry[] {
  return lines.map((line, seq) => {
    const found = readLine(new TextEncoder().encode(line));
    if (found === null) throw new Error('the line is whole');
    return { seq, body: found.body, hash: found.readHash() as Uint8Array };
  });
}

it('keeps a storage as it was when the caller changes its bytes', async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const storage = new MemoryAuditStorage(bytes);
  bytes.fill(0);
  expect([...(storage.read() as Iterable<Uint8Array>)][0]).toEqual(Uint8Array.of(1, 2, 3));
});
