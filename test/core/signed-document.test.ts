import { describe, expect, it } from 'vitest';
import { contentDigest, signDocument, verifyDocument } from '../../src/core/signed-document.ts';
import { ed25519Signer, verifyEd25519 } from '../../src/node/ed25519.ts';

const signer = ed25519Signer(new Uint8Array(32).fill(6));
const other = ed25519Signer(new Uint8Array(32).fill(7));

describe('signDocument', () => {
  it('signs content, whatever the order of its members', async () => {
    const signed = await signDocument('test', { a: 1, b: ['x'] }, signer);
    const reordered = { ...signed, content: { b: ['x'], a: 1 } };
    const sent = JSON.parse(JSON.stringify(reordered));
    expect(await verifyDocument('test', sent, verifyEd25519, signer.publicKey)).toBeNull();
  });

  it('holds for nothing else', async () => {
    const signed = await signDocument('test', { a: 1 }, signer);
    const check = (document: typeof signed, purpose = 'test', key = signer.publicKey) =>
      verifyDocument(purpose, document, verifyEd25519, key);
    expect(await check({ ...signed, content: { a: 2 } })).toMatch(/altered/);
    expect(await check({ ...signed, content: { a: Number.NaN } })).toMatch(/nobody/);
    expect(await check(signed, 'another')).toMatch(/does not hold/);
    expect(await check(signed, 'test', other.publicKey)).toMatch(/not by the expected key/);
    expect(await check({ ...signed, signature: 'ab' })).toMatch(/well-formed/);
    const forged = await signDocument('test', { a: 1 }, other);
    expect(await check({ ...forged, publicKey: signed.publicKey })).toMatch(/does not hold/);
  });

  it('signs nothing without a canonical form', async () => {
    await expect(signDocument('test', { a: undefined }, signer)).rejects.toMatchObject({
      code: 'core/non-canonical',
    });
    expect(contentDigest({ a: 1, b: 2 })).toBe(contentDigest({ b: 2, a: 1 }));
    expect(contentDigest([1])).not.toBe(contentDigest([2]));
  });
});
