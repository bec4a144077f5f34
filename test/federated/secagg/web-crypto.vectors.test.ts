import { describe, it } from 'vitest';
import { WebSecAggCrypto } from '../../../src/federated/secagg/web-crypto.ts';
import { CRYPTO_CASES } from './crypto-cases.ts';

describe('WebCrypto in Node gives the known answers', () => {
  const crypto = new WebSecAggCrypto();
  it.each(CRYPTO_CASES)('$name', ({ run }) => run(crypto));
});
