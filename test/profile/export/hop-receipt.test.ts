import { describe, expect, it } from 'vitest';
import type { SignedDocument } from '../../../src/core/signed-document.ts';
import { ed25519Signer, verifyEd25519 } from '../../../src/node/ed25519.ts';
import {
  type HopReceipt,
  ORIGIN,
  signHop,
  verifyHops,
} from '../../../src/profile/export/hop-receipt.ts';
import { exporter, newGate, policy } from './fixtures.ts';

const singapore = ed25519Signer(new Uint8Array(32).fill(21));
const dublin = ed25519Signer(new Uint8Array(32).fill(22));
const check = {
  policy,
  verify: verifyEd25519,
  exporter: exporter.publicKey,
  keys: new Map([
    ['singapore', singapore.publicKey],
    ['dublin', dublin.publicKey],
  ]),
};

async function chain() {
  const { gate, base, clock } = await newGate();
  const { statement } = await gate.exportData(base());
  const { digest, purpose } = statement.content;
  const common = { digest, purpose };
  const first = await signHop(
    { ...common, from: ORIGIN, to: 'singapore', at: clock.time + 1 },
    statement,
    singapore,
  );
  const second = await signHop(
    { ...common, from: 'singapore', to: 'dublin', at: clock.time + 2 },
    first,
    dublin,
  );
  return { statement, first, second, common, time: clock.time };
}

describe('verifyHops', () => {
  it('follows something along the way the policy allows', async () => {
    const { statement, first, second } = await chain();
    for (const receipts of [[], [first], [first, second]]) {
      expect(await verifyHops(statement, receipts, check)).toBeNull();
    }
  });

  it('finds what is altered, left out, or goes elsewhere', async () => {
    const { statement, first, second, common, time } = await chain();
    const problem = (...receipts: SignedDocument<HopReceipt>[]) =>
      verifyHops(statement, receipts, check);
    expect(await problem(second)).toMatch(/hop 1 does not continue/);
    expect(await problem(first, first)).toMatch(/hop 2 does not continue/);
    const altered = { ...first, content: { ...first.content, at: time + 9 } };
    expect(await problem(altered)).toMatch(/hop 1: .*altered/);
    const at = time + 5;
    const from = 'singapore';
    const sign = (hop: Partial<HopReceipt>, by = dublin) =>
      signHop({ ...common, from, to: 'dublin', at, ...hop }, first, by);
    expect(await problem(first, await sign({ digest: 'other' }))).toMatch(/something else/);
    expect(await problem(first, await sign({ purpose: 'advertising' }))).toMatch(/another purpose/);
    expect(await problem(first, await sign({ at: time }))).toMatch(/dated before/);
    expect(await problem(first, await sign({ from: 'dublin' }))).toMatch(/does not hold it/);
    expect(await problem(first, await sign({ to: 'mars' }))).toMatch(/key is not known/);
    expect(await problem(first, await sign({}, singapore))).toMatch(/not by the expected key/);
    // Dublin may not hand it on.
    const back = await signHop(
      { ...common, from: 'dublin', to: 'singapore', at },
      second,
      singapore,
    );
    expect(await problem(first, second, back)).toMatch(/does not let it/);
    for (const content of [null, undefined, 'a receipt']) {
      const empty = { ...first, content } as unknown as typeof first;
      expect(await problem(empty)).toMatch(/hop 1 is no receipt/);
    }
    expect(await problem(null as unknown as typeof first)).toMatch(/hop 1 is no receipt/);
    expect(await verifyHops(null as unknown as typeof statement, [], check)).toMatch(/no document/);
    const undated = { at: 'soon' as unknown as number };
    expect(await problem(first, await sign(undated))).toMatch(/dated before/);
    const forged = { ...statement, content: { ...statement.content, destination: 'dublin' } };
    expect(await verifyHops(forged, [], check)).toMatch(/altered/);
  });
});
