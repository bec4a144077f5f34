import { describe, expect, it } from 'vitest';
import { NOTHING_DROPPED } from '../../src/he/dropped-bits.ts';
import { HE_PRESETS } from '../../src/he/index.ts';
import { HEADER_BYTES, readQueryId } from '../../src/he/message-head.ts';
import {
  decodeReply,
  encodeReplyHead,
  packReplyBlock,
  type ReplyFrame,
  ReplyReader,
  replyBlockBytes,
  replyBytes,
} from '../../src/he/reply-wire.ts';
import { codeOf } from './fixtures.ts';

const VERSION = 'ab'.repeat(32);
const QUERY_ID = '0123456789abcdef'.repeat(2);

function frameOf(preset: keyof typeof HE_PRESETS, change: Partial<ReplyFrame> = {}): ReplyFrame {
  return {
    parameters: HE_PRESETS[preset],
    catalogueVersion: VERSION,
    items: 1000,
    ciphertexts: 3,
    dropped: NOTHING_DROPPED,
    ...change,
  };
}

/** Residues over their whole range, the largest among them. */
function ciphertextsOf({ parameters, ciphertexts }: ReplyFrame): Uint32Array[] {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  return Array.from({ length: ciphertexts }, (_, c) =>
    Uint32Array.from({ length: 2 * dataPrimes.length * degree }, (_, at) => {
      const prime = dataPrimes[Math.floor(at / degree) % dataPrimes.length] as number;
      return at % 5 === 0 ? prime - 1 : (at * 1_000_003 + c) % prime;
    }),
  );
}

function encodeReply(frame: ReplyFrame, ciphertexts: readonly Uint32Array[]): Uint8Array {
  const size = replyBlockBytes(frame.parameters, frame.dropped);
  const bytes = new Uint8Array(replyBytes(frame.parameters, ciphertexts.length, frame.dropped));
  bytes.set(encodeReplyHead(frame, QUERY_ID));
  const view = new DataView(bytes.buffer);
  ciphertexts.forEach((ciphertext, i) => {
    packReplyBlock(frame.parameters, ciphertext, frame.dropped, view, HEADER_BYTES + i * size);
  });
  return bytes;
}

describe('wire format of replies', () => {
  it.each(['default', 'fast', 'exact', 'insecureToy'] as const)('comes back (%s)', (preset) => {
    const frame = frameOf(preset);
    const ciphertexts = ciphertextsOf(frame);
    const bytes = encodeReply(frame, ciphertexts);
    expect(bytes.length).toBe(replyBytes(frame.parameters, 3, NOTHING_DROPPED));
    expect(decodeReply(bytes, frame)).toEqual({ queryId: QUERY_ID, ciphertexts });
    expect(readQueryId(bytes, 'reply')).toBe(QUERY_ID);
  });

  it.each([
    ['default', [13, 7]],
    ['fast', [1, 0]],
    ['insecureToy', [0, 9]],
  ] as const)('comes back near by when bits are dropped (%s %s)', (preset, dropped) => {
    const frame = frameOf(preset, { dropped });
    const { dataPrimes, polynomialDegree: degree } = frame.parameters;
    const prime = dataPrimes[0] as number;
    const ciphertexts = ciphertextsOf(frame);
    const decoded = decodeReply(encodeReply(frame, ciphertexts), frame).ciphertexts;
    const largest = [0, 0];
    decoded.forEach((words, c) => {
      words.forEach((word, at) => {
        expect(word).toBeLessThan(prime);
        const apart = Math.abs(word - (ciphertexts[c]?.[at] as number));
        const part = at < degree ? 0 : 1;
        largest[part] = Math.max(largest[part] as number, Math.min(apart, prime - apart));
      });
    });
    expect(largest).toEqual(dropped.map((bits) => (bits === 0 ? 0 : 2 ** (bits - 1))));
  });

  it('has fixed sizes', () => {
    expect(replyBlockBytes(HE_PRESETS.default, NOTHING_DROPPED)).toBe((2 * 2048 * 28) / 8);
    expect(replyBlockBytes(HE_PRESETS.default, [13, 7])).toBe((2048 * (15 + 21)) / 8);
    expect(replyBlockBytes(HE_PRESETS.exact, NOTHING_DROPPED)).toBe((2 * 2048 * 40) / 8);
    expect(replyBytes(HE_PRESETS.fast, 15, NOTHING_DROPPED)).toBe(HEADER_BYTES + 15 * 6912);
  });

  it('has a fixed header', () => {
    const frame = frameOf('insecureToy', { ciphertexts: 1 });
    const hex = [...encodeReplyHead(frame, QUERY_ID)].map((b) => b.toString(16).padStart(2, '0'));
    expect(hex.join('')).toBe(
      `56484501${'02000000'}${HE_PRESETS.insecureToy.id}${QUERY_ID}${VERSION}${'01000000'}${'e8030000'}`,
    );
  });

  it.each([
    ['default', [28, 0]],
    ['default', [0, -1]],
    ['exact', [1, 0]],
  ] as const)('refuses bits that cannot be dropped (%s %s)', (preset, dropped) => {
    expect(codeOf(() => replyBlockBytes(HE_PRESETS[preset], dropped))).toBe('he/malformed-message');
  });
});

describe('a reply in pieces', () => {
  const frame = frameOf('insecureToy', { dropped: [4, 2] });
  const whole = encodeReply(frame, ciphertextsOf(frame));
  const expected = decodeReply(whole, frame).ciphertexts;

  it.each([1, 7, 71, 72, 73, 400, 401, 5000])('reads the same in pieces of %d bytes', (size) => {
    const reader = new ReplyReader(frame);
    const read: Uint32Array[] = [];
    for (let at = 0; at < whole.length; at += size) {
      read.push(...reader.push(whole.subarray(at, at + size)));
    }
    reader.finish();
    expect(reader.queryId).toBe(QUERY_ID);
    expect(read).toEqual(expected);
  });

  it('hands out a block as soon as its last byte is there', () => {
    const reader = new ReplyReader(frame);
    const block = replyBlockBytes(frame.parameters, frame.dropped);
    expect(reader.queryId).toBeNull();
    expect(reader.push(whole.subarray(0, HEADER_BYTES + block - 1))).toHaveLength(0);
    expect(reader.push(whole.subarray(HEADER_BYTES + block - 1, HEADER_BYTES + block))).toEqual([
      expected[0],
    ]);
    expect(codeOf(() => reader.finish())).toBe('he/malformed-message');
  });

  it('refuses a piece too many, and an end inside the header', () => {
    const reader = new ReplyReader(frame);
    reader.push(whole);
    expect(codeOf(() => reader.push(Uint8Array.of(0)))).toBe('he/malformed-message');
    const early = new ReplyReader(frame);
    early.push(whole.subarray(0, 10));
    expect(codeOf(() => early.finish())).toBe('he/malformed-message');
  });

  it('reads a head before it takes blocks', () => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setUint32(68, 2 ** 31, true);
    expect(codeOf(() => new ReplyReader(frame).push(bytes.subarray(0, HEADER_BYTES)))).toBe(
      'he/malformed-message',
    );
  });
});

describe('wire format of replies, malformed', () => {
  const frame = frameOf('insecureToy');
  const good = encodeReply(frame, ciphertextsOf(frame));
  const change = (edit: (bytes: Uint8Array, view: DataView) => void): Uint8Array => {
    const bytes = good.slice();
    edit(bytes, new DataView(bytes.buffer));
    return bytes;
  };
  const setU32 = (offset: number, value: number) =>
    change((_, view) => view.setUint32(offset, value, true));
  const oneBlock = HEADER_BYTES + replyBlockBytes(frame.parameters, NOTHING_DROPPED);

  it.each<[string, Uint8Array, string]>([
    ['empty', new Uint8Array(), 'he/malformed-message'],
    ['cut inside the header', good.subarray(0, HEADER_BYTES - 1), 'he/malformed-message'],
    ['only the header', good.subarray(0, HEADER_BYTES), 'he/malformed-message'],
    ['cut by a byte', good.subarray(0, good.length - 1), 'he/malformed-message'],
    ['cut at a block', good.subarray(0, oneBlock), 'he/malformed-message'],
    ['a byte too long', Uint8Array.of(...good, 0), 'he/malformed-message'],
    ['wrong magic', setU32(0, 0), 'he/malformed-message'],
    ['another format version', setU32(0, 0x02_45_48_56), 'he/malformed-message'],
    ['a query in place of a reply', setU32(4, 1), 'he/malformed-message'],
    ['another parameter set', setU32(8, 0), 'he/malformed-message'],
    ['another catalogue version', setU32(60, 0), 'he/wrong-catalogue'],
    ['2^31 blocks', setU32(64, 2 ** 31), 'he/malformed-message'],
    ['2^31 items', setU32(68, 2 ** 31), 'he/malformed-message'],
    ['no items', setU32(68, 0), 'he/malformed-message'],
    [
      'a residue equal to its prime',
      setU32(HEADER_BYTES, frame.parameters.dataPrimes[0] as number),
      'he/malformed-message',
    ],
    [
      'the largest residue that the bits hold, in the last place',
      change((bytes) => bytes.fill(0xff, bytes.length - 4)),
      'he/malformed-message',
    ],
    [
      'an all-zero second polynomial',
      change((bytes) => bytes.fill(0, HEADER_BYTES + 224, HEADER_BYTES + 448)),
      'he/malformed-message',
    ],
  ])('refuses: %s', (_, bytes, code) => {
    expect(codeOf(() => decodeReply(bytes, frame))).toBe(code);
  });

  it('refuses a residue that is too large even without its dropped bits', () => {
    const dropping = frameOf('insecureToy', { dropped: [1, 0] });
    const bytes = encodeReply(dropping, ciphertextsOf(dropping));
    bytes.fill(0xff, HEADER_BYTES, HEADER_BYTES + 4); // 2²⁷ − 1 in the first field
    expect(codeOf(() => decodeReply(bytes, dropping))).toBe('he/malformed-message');
  });

  it('names the insecure preset when a secure reader gets it', () => {
    const secure = { ...frame, parameters: HE_PRESETS.default };
    expect(codeOf(() => decodeReply(good, secure))).toBe('he/insecure-parameters');
  });
});
