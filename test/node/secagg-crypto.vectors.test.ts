import { describe, it } from 'vitest';
import { NodeSecAggCrypto } from '../../src/node/secagg-crypto.ts';
import { CRYPTO_CASES } from '../federated/secagg/crypto-cases.ts';

describe('node:crypto gives the known answers', () => {
  const crypto = new NodeSecAggCrypto();
  it.each(CRYPTO_CASES)('$name', ({ run }) => run(crypto));
});
