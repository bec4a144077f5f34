import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, readFrame } from '../../src/core/framing.ts';

const malformed = expect.objectContaining({ code: 'core/malformed-frame' });

describe('encodeFrame', () => {
  it('writes version, type, length and payload', () => {
    expect([...encodeFrame(7, Uint8Array.of(1, 2, 3))]).toEqual([1, 7, 0, 0, 0, 3, 1, 2, 3]);
  });

  it.each([-1, 256, 1.5, Number.NaN])('refuses the type %s', (type) => {
    expect(() => encodeFrame(type, new Uint8Array(0))).toThrow(RangeError);
  });
});

describe('decodeFrame', () => {
  const frame = encodeFrame(7, Uint8Array.of(1, 2, 3));

  it('gives back the payload, also out of the middle of a buffer', () => {
    const within = new Uint8Array(20);
    within.set(frame, 5);
    expect([...decodeFrame(within.subarray(5, 5 + frame.length), 7, 3)]).toEqual([1, 2, 3]);
  });

  it.each([
    ['of another type', frame, 8, 3],
    ['over the maximum', frame, 7, 2],
    ['cut short', frame.subarray(0, 8), 7, 3],
    ['with a header cut short', frame.subarray(0, 3), 7, 3],
    ['empty', new Uint8Array(0), 7, 3],
    ['followed by more', Uint8Array.of(...frame, 0), 7, 3],
    ['of another version', Uint8Array.of(2, ...frame.subarray(1)), 7, 3],
    ['that claims 4 GiB', Uint8Array.of(1, 7, 255, 255, 255, 255, 0), 7, 1000],
  ])('refuses a frame %s', (_, bytes, type, maximum) => {
    expect(() => decodeFrame(bytes, type, maximum)).toThrow(malformed);
  });
});

describe('readFrame', () => {
  it('finds frame after frame in a stream, and waits at every place where it may be cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 30 })), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.nat(),
        (frames, cut) => {
          const stream = Uint8Array.from(
            frames.flatMap(([type, payload]) => [...encodeFrame(type, payload)]),
          );
          const end = cut % (stream.length + 1);
          const seen: [number, Uint8Array][] = [];
          let offset = 0;
          for (;;) {
            const frame = readFrame(stream.subarray(0, end), offset, 30);
            if (frame === null) break;
            seen.push([frame.type, frame.payload.slice()]);
            offset = frame.end;
          }
          expect(seen).toEqual(frames.slice(0, seen.length));
          expect(end === stream.length).toBe(seen.length === frames.length);
        },
      ),
    );
  });

  it('refuses a hostile header before the payload is there', () => {
    expect(() => readFrame(Uint8Array.of(1, 7, 255, 255, 255, 255), 0, 1000)).toThrow(malformed);
    expect(() => readFrame(Uint8Array.of(9), 0, 1000)).toThrow(malformed);
  });
});
