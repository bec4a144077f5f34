import { describe, it } from 'vitest';
import { WebSecAggCrypto } from '../../src/federated/secagg/web-crypto.ts';
import { CRYPTO_CASES } from '../federated/secagg/crypto-cases.ts';

describe('WebCrypto of a browser gives the known answers', () => {
  const crypto = new WebSecAggCrypto();
  it.each(CRYPTO_CASES)('$name', ({ run }) => run(crypto));
});
