import { describe, expect, it } from 'vitest';
import {
  expandCiphertext,
  HE_PRESETS,
  insecureNoOpProvider,
  type SeededCiphertext,
} from '../../src/he/index.ts';
import { HEADER_BYTES, type MessageFrame, readQueryId } from '../../src/he/message-head.ts';
import { decodeQuery, encodeQuery, queryBytes } from '../../src/he/query-wire.ts';
import { codeOf } from './fixtures.ts';

const VERSION = 'ab'.repeat(32);
const QUERY_ID = '0123456789abcdef'.repeat(2);

function frameOf(preset: keyof typeof HE_PRESETS, ciphertexts = 3): MessageFrame {
  return {
    parameters: HE_PRESETS[preset],
    catalogueVersion: VERSION,
    items: 1000,
    ciphertexts,
  };
}

/** Residues over their whole range, the largest among them. */
function ciphertextsOf({ parameters, ciphertexts }: MessageFrame): SeededCiphertext[] {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  return Array.from({ length: ciphertexts }, (_, c) => ({
    first: Uint32Array.from({ length: dataPrimes.length * degree }, (_, at) => {
      const prime = dataPrimes[Math.floor(at / degree)] as number;
      return at % 5 === 0 ? prime - 1 : (at * 1_000_003 + c) % prime;
    }),
    seed: Uint8Array.from({ length: 64 }, (_, i) => 64 * c + i),
  }));
}

describe('wire format of queries', () => {
  it.each(['default', 'fast', 'exact', 'insecureToy'] as const)('comes back (%s)', (preset) => {
    const frame = frameOf(preset);
    const ciphertexts = ciphertextsOf(frame);
    const bytes = encodeQuery(frame, QUERY_ID, ciphertexts);
    expect(bytes.length).toBe(queryBytes(frame.parameters, 3));
    expect(decodeQuery(bytes, frame)).toEqual({
      queryId: QUERY_ID,
      ciphertexts: ciphertexts.map((each) => expandCiphertext(frame.parameters, each)),
    });
    expect(readQueryId(bytes, 'query')).toBe(QUERY_ID);
  });

  it('reads a view into a larger buffer', () => {
    const frame = frameOf('insecureToy');
    const bytes = encodeQuery(frame, QUERY_ID, ciphertextsOf(frame));
    const padded = new Uint8Array(bytes.length + 13);
    padded.set(bytes, 13);
    expect(decodeQuery(padded.subarray(13), frame).queryId).toBe(QUERY_ID);
  });

  it('has fixed sizes', () => {
    expect(queryBytes(HE_PRESETS.default, 64)).toBe(HEADER_BYTES + 64 * (64 + (2048 * 28) / 8));
    expect(queryBytes(HE_PRESETS.fast, 64)).toBe(HEADER_BYTES + 64 * (64 + (1024 * 27) / 8));
    expect(queryBytes(HE_PRESETS.exact, 15)).toBe(HEADER_BYTES + 15 * (64 + (2048 * 40) / 8));
  });

  it('has a fixed header', () => {
    const frame = frameOf('insecureToy', 1);
    const bytes = encodeQuery(frame, QUERY_ID, ciphertextsOf(frame));
    const hex = [...bytes.subarray(0, HEADER_BYTES)].map((b) => b.toString(16).padStart(2, '0'));
    expect(hex.join('')).toBe(
      `56484501${'01000000'}${HE_PRESETS.insecureToy.id}${QUERY_ID}${VERSION}${'01000000'}${'e8030000'}`,
    );
  });

  it('writes only what a reader accepts', () => {
    const frame = frameOf('insecureToy', 1);
    const [good] = ciphertextsOf(frame);
    const { first, seed } = good as SeededCiphertext;
    const tooLarge = first.slice();
    tooLarge[63] = HE_PRESETS.insecureToy.dataPrimes[0] as number;
    for (const bad of [
      { first: tooLarge, seed },
      { first: first.subarray(1), seed },
      { first, seed: seed.subarray(1) },
    ]) {
      expect(codeOf(() => encodeQuery(frame, QUERY_ID, [bad]))).toBe('he/malformed-message');
    }
    expect(codeOf(() => encodeQuery(frame, QUERY_ID, []))).toBe('RangeError');
  });
});

describe('wire format of queries, malformed', () => {
  const frame = frameOf('insecureToy');
  const good = encodeQuery(frame, QUERY_ID, ciphertextsOf(frame));
  const change = (edit: (bytes: Uint8Array, view: DataView) => void): Uint8Array => {
    const bytes = good.slice();
    edit(bytes, new DataView(bytes.buffer));
    return bytes;
  };
  const setU32 = (offset: number, value: number) =>
    change((_, view) => view.setUint32(offset, value, true));
  const oneCiphertext = queryBytes(frame.parameters, 1);

  it.each<[string, Uint8Array, string]>([
    ['empty', new Uint8Array(), 'he/malformed-message'],
    ['cut inside the header', good.subarray(0, HEADER_BYTES - 1), 'he/malformed-message'],
    ['only the header', good.subarray(0, HEADER_BYTES), 'he/malformed-message'],
    ['cut by a byte', good.subarray(0, good.length - 1), 'he/malformed-message'],
    ['cut at a ciphertext', good.subarray(0, oneCiphertext), 'he/malformed-message'],
    ['a byte too long', Uint8Array.of(...good, 0), 'he/malformed-message'],
    ['twice as long', Uint8Array.of(...good, ...good), 'he/malformed-message'],
    ['wrong magic', setU32(0, 0), 'he/malformed-message'],
    ['another format version', setU32(0, 0x02_45_48_56), 'he/malformed-message'],
    ['a reply in place of a query', setU32(4, 2), 'he/malformed-message'],
    ['an unknown kind', setU32(4, 3), 'he/malformed-message'],
    ['another parameter set', setU32(8, 0), 'he/malformed-message'],
    ['another catalogue version', setU32(60, 0), 'he/wrong-catalogue'],
    ['no ciphertexts', setU32(64, 0), 'he/malformed-message'],
    ['one ciphertext more than there is', setU32(64, 4), 'he/malformed-message'],
    ['2^31 ciphertexts', setU32(64, 2 ** 31), 'he/malformed-message'],
    ['2^31 items', setU32(68, 2 ** 31), 'he/malformed-message'],
    ['no items', setU32(68, 0), 'he/malformed-message'],
    [
      'a residue equal to its prime',
      setU32(HEADER_BYTES + 64, frame.parameters.dataPrimes[0] as number),
      'he/malformed-message',
    ],
    [
      'the largest residue that the bits hold, in the last place',
      change((bytes) => bytes.fill(0xff, bytes.length - 4)),
      'he/malformed-message',
    ],
  ])('refuses: %s', (_, bytes, code) => {
    expect(codeOf(() => decodeQuery(bytes, frame))).toBe(code);
  });

  it('names the insecure preset when a secure reader gets it', () => {
    const secure = { ...frame, parameters: HE_PRESETS.default };
    expect(codeOf(() => decodeQuery(good, secure))).toBe('he/insecure-parameters');
  });

  it('accepts what the no-op provider makes', () => {
    const key = insecureNoOpProvider.createKey(frame.parameters);
    const ciphertexts = [1, 2, 3].map((value) => key.encrypt(Int32Array.of(value)));
    const bytes = encodeQuery(frame, QUERY_ID, ciphertexts);
    expect(decodeQuery(bytes, frame).ciphertexts).toEqual(
      ciphertexts.map((each) => expandCiphertext(frame.parameters, each)),
    );
  });

  it('gives every ciphertext a second polynomial that is not zero, even of a seed of zeros', () => {
    const { ciphertexts } = decodeQuery(
      change((bytes) => bytes.fill(0, HEADER_BYTES, oneCiphertext)),
      frame,
    );
    for (const ciphertext of ciphertexts) {
      expect(ciphertext.subarray(64).filter((word) => word === 0).length).toBeLessThan(4);
    }
  });
});
