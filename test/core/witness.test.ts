import { describe, expect, it } from 'vitest';
import { type ChainEntry, HashChain } from '../../src/core/hash-chain.ts';
import { type SignedHead, signHead } from '../../src/core/signed-head.ts';
import {
  HeadWitness,
  type HeadWitnessOptions,
  verifyWitnessedHead,
} from '../../src/core/witness.ts';
import { ed25519Signer, verifyEd25519 } from '../../src/node/ed25519.ts';

const chain = new HashChain('test');
const operator = ed25519Signer(new Uint8Array(32).fill(1));
const signer = ed25519Signer(new Uint8Array(32).fill(2));
const TIME = 1_700_000_000_000;

function entries(count: number, text: string): ChainEntry[] {
  const list: ChainEntry[] = [];
  let head = chain.start();
  for (let i = 0; i < count; i++) {
    const entry = chain.append(head, new TextEncoder().encode(`${text} ${i}`));
    list.push(entry);
    head = entry;
  }
  return list;
}

const headOf = (list: readonly ChainEntry[], by = operator): Promise<SignedHead> =>
  signHead(list.at(-1) ?? chain.start(), TIME, by);

function newWitness(options: Partial<HeadWitnessOptions> = {}): HeadWitness {
  return new HeadWitness({
    chain,
    signer,
    verify: verifyEd25519,
    operatorKey: operator.publicKey,
    clock: () => TIME,
    remember: () => {},
    ...options,
  });
}

describe('HeadWitness', () => {
  it('co-signs heads that the entries lead to, one after the other', async () => {
    const witness = newWitness();
    const log = entries(5, 'a');
    const first = await headOf(log.slice(0, 2));
    await witness.cosign(first, log.slice(0, 2));
    const second = await headOf(log);
    const mark = await witness.cosign(second, log.slice(2));
    expect(witness.last.seq).toBe(4);
    const expected = { operator: operator.publicKey, witnesses: [signer.publicKey] };
    const note = { head: second, witnesses: [mark] };
    expect(await verifyWitnessedHead(note, verifyEd25519, expected)).toBeNull();
  });

  it('refuses another history, a step back, a gap and a stranger', async () => {
    const witness = newWitness();
    const log = entries(5, 'a');
    await witness.cosign(await headOf(log.slice(0, 3)), log.slice(0, 3));
    const other = entries(5, 'b');
    const broken = { code: 'core/broken-chain' };
    await expect(witness.cosign(await headOf(other), other.slice(3))).rejects.toMatchObject(broken);
    await expect(witness.cosign(await headOf(log.slice(0, 2)), [])).rejects.toMatchObject(broken);
    await expect(witness.cosign(await headOf(log), log.slice(4))).rejects.toMatchObject(broken);
    const forged = await headOf(log, ed25519Signer(new Uint8Array(32).fill(9)));
    await expect(witness.cosign(forged, log.slice(3))).rejects.toMatchObject(broken);
    expect(witness.last.seq).toBe(2);
  });

  it('does not sign two histories when asked for both at once', async () => {
    const witness = newWitness();
    const [one, two] = [entries(2, 'a'), entries(2, 'b')];
    const answers = await Promise.allSettled([
      headOf(one).then((head) => witness.cosign(head, one)),
      headOf(two).then((head) => witness.cosign(head, two)),
    ]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('signs nothing that it could not remember', async () => {
    const kept: number[] = [];
    const log = entries(1, 'a');
    const remember = (): void => {
      kept.push(1);
      if (kept.length === 1) throw new Error('disk full');
    };
    const witness = newWitness({ remember });
    const head = await headOf(log);
    await expect(witness.cosign(head, log)).rejects.toThrow('disk full');
    expect(kept).toEqual([1]);
    // It has not moved, so the same entries lead there once it can remember.
    expect(witness.last).toEqual(chain.start());
    await witness.cosign(head, log);
    expect(witness.last.seq).toBe(0);
  });

  it('goes on from where it stood', async () => {
    const log = entries(4, 'a');
    const witness = newWitness({ last: { seq: 1, hash: (log[1] as ChainEntry).hash } });
    await witness.cosign(await headOf(log), log.slice(2));
    expect(witness.last.seq).toBe(3);
  });
});
