import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/federated/secagg/crypto.ts';
import { WebSecAggCrypto } from '../../src/federated/secagg/web-crypto.ts';
import { NodeSecAggCrypto } from '../../src/node/secagg-crypto.ts';

const node = new NodeSecAggCrypto();
const web = new WebSecAggCrypto();
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => new Uint8Array(bytes));
const text = fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes) as Bytes);

describe('node:crypto and WebCrypto', () => {
  it('write the same bytes and read those of each other', async () => {
    await fc.assert(
      fc.asyncProperty(key, key, text, text, async (one, two, message, info) => {
        const [a, b] = [await node.agreementKey(one), await web.agreementKey(two)];
        expect((await web.agreementKey(one)).publicKey).toEqual(a.publicKey);
        expect(await a.agree(b.publicKey)).toEqual(await b.agree(a.publicKey));

        const [signer, other] = [await node.signingKey(one), await web.signingKey(one)];
        expect(signer.publicKey).toEqual(other.publicKey);
        const signature = await signer.sign(message);
        expect(await other.sign(message)).toEqual(signature);
        expect(await web.verify(signer.publicKey, message, signature)).toBe(true);
        expect(await node.verify(signer.publicKey, message, signature)).toBe(true);

        expect(await node.hkdf(one, two, info)).toEqual(await web.hkdf(one, two, info));
        const sealed = await node.seal(one, message);
        expect(await web.seal(one, message)).toEqual(sealed);
        expect(await web.open(one, sealed)).toEqual(message);
        expect(await node.open(one, sealed)).toEqual(message);
        expect(await node.keyStream(two, message.length)).toEqual(
          await web.keyStream(two, message.length),
        );
        expect(node.sha256(message, info)).toEqual(web.sha256(message, info));
      }),
      { numRuns: 10 },
    );
  });
});
