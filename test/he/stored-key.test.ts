import { describe, expect, it } from 'vitest';
import {
  createNodeSealProvider,
  expandCiphertext,
  HE_PRESETS,
  insecureNoOpProvider,
} from '../../src/he/index.ts';
import { codeOf } from './fixtures.ts';

const provider = await createNodeSealProvider();

describe('a key that is kept', () => {
  it.each(['default', 'fast', 'exact'] as const)(
    'opens what it encrypted before (%s)',
    (preset) => {
      const parameters = HE_PRESETS[preset];
      const key = provider.createKey(parameters);
      const ciphertext = expandCiphertext(parameters, key.encrypt(Int32Array.of(5, -6)));
      const bytes = provider.exportKeyUnsafely(key);
      key.dispose();
      const again = provider.importKey(parameters, bytes);
      expect(again.decrypt(ciphertext).subarray(0, 3)).toEqual(Int32Array.of(5, -6, 0));
      const fresh = expandCiphertext(parameters, again.encrypt(Int32Array.of(7)));
      expect(again.decrypt(fresh)[0]).toBe(7);
      again.dispose();
    },
  );

  it('is refused when it is another thing', () => {
    const parameters = HE_PRESETS.default;
    const key = provider.createKey(parameters);
    const bytes = provider.exportKeyUnsafely(key);
    const change = (at: number, value: number): Uint8Array => bytes.slice().fill(value, at, at + 1);
    const bad = [
      new Uint8Array(),
      bytes.subarray(1),
      Uint8Array.of(...bytes, 0),
      change(3, 9), // version
      change(20, (bytes[20] as number) ^ 1), // parms_id
      change(91, 255), // a residue above its prime
      change(95, 1), // a word of more than 32 bits
      bytes.slice().fill(0, 88),
    ];
    for (const each of bad) {
      expect(codeOf(() => provider.importKey(parameters, each))).toBe('he/malformed-message');
    }
    expect(codeOf(() => provider.importKey(HE_PRESETS.fast, bytes))).toBe('he/malformed-message');
    key.dispose();
    expect(codeOf(() => provider.exportKeyUnsafely(key))).toBe('TypeError');
    const foreign = insecureNoOpProvider.createKey(parameters);
    expect(codeOf(() => provider.exportKeyUnsafely(foreign))).toBe('TypeError');
  });
});
