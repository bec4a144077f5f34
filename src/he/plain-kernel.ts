import { ciphertextWords } from './ciphertext.ts';
import type { DroppedBits } from './dropped-bits.ts';
import { checkCiphertexts, checkColumns, checkFeatures, checkTarget } from './kernel/shapes.ts';
import type { EncodedBlock, EncodedQuery, ScoringKernel } from './kernel.ts';
import { createNegacyclicNtt } from './ntt.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { packReplyBlock, replyBlockBytes } from './reply-wire.ts';
import type { Ciphertext } from './scoring-provider.ts';

/** Something encoded by the plain kernel, open to tests. */
export interface PlainEncoded {
  readonly features: number;
  /** Transformed polynomials: a query's `[features, 2, primes, N]`, a block's `[features, primes, N]`. */
  readonly words: Uint32Array;
  /** A block's `[primes, N]` residues to be added, if it has any. */
  readonly addend: Uint32Array | undefined;
  dispose(): void;
}

/** The plain kernel, whose encodings are open. */
export interface PlainKernel extends ScoringKernel {
  encodeBlock(columns: readonly Int8Array[], addend?: Uint32Array): PlainEncoded;
  encodeQuery(ciphertexts: readonly Ciphertext[]): PlainEncoded;
}

/** The kernel in plain TypeScript: runs everywhere, and is the measure of every faster one. */
export function createPlainKernel(parameters: HeParameters): PlainKernel {
  assertHeParameters(parameters);
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const primes = dataPrimes.length;
  const transforms = dataPrimes.map((prime) => createNegacyclicNtt(prime, degree));
  const upperSum = new Float64Array(degree);
  const lowerSum = new Float64Array(degree);
  const alive = { query: new WeakSet<object>(), block: new WeakSet<object>() };

  function encoded(
    kind: keyof typeof alive,
    features: number,
    words: Uint32Array,
    addend?: Uint32Array,
  ): PlainEncoded {
    const result: PlainEncoded = {
      features,
      words,
      addend,
      dispose: () => {
        alive[kind].delete(result);
      },
    };
    alive[kind].add(result);
    return result;
  }

  function open(value: EncodedQuery | EncodedBlock, kind: keyof typeof alive): PlainEncoded {
    if (!alive[kind].has(value)) {
      throw new TypeError(
        `"${kind}" expected what this kernel encoded and nobody disposed, got another object`,
      );
    }
    return value as PlainEncoded;
  }

  const kernel: PlainKernel = {
    name: 'plain',
    parameters,

    reserve(): void {
      // Each block is an array of its own: the platform has room for it or throws a RangeError.
    },

    // [features, primes, N]
    encodeBlock(columns: readonly Int8Array[], addend?: Uint32Array): PlainEncoded {
      checkColumns(parameters, columns, addend);
      const words = new Uint32Array(columns.length * primes * degree);
      let at = 0;
      for (const column of columns) {
        for (const transform of transforms) {
          const polynomial = words.subarray(at, at + degree);
          for (let i = 0; i < column.length; i++) {
            const value = column[i] as number;
            polynomial[i] = value < 0 ? value + transform.prime : value;
          }
          transform.forward(polynomial);
          at += degree;
        }
      }
      return encoded('block', columns.length, words, addend?.slice());
    },

    // [features, 2, primes, N]
    encodeQuery(ciphertexts: readonly Ciphertext[]): PlainEncoded {
      checkCiphertexts(parameters, ciphertexts);
      const size = ciphertextWords(parameters);
      const words = new Uint32Array(ciphertexts.length * size);
      ciphertexts.forEach((ciphertext, feature) => {
        words.set(ciphertext, feature * size);
      });
      for (let at = 0, row = 0; at < words.length; at += degree, row++) {
        transforms[row % primes]?.forward(words.subarray(at, at + degree));
      }
      return encoded('query', ciphertexts.length, words);
    },

    multiplyAccumulate(query: EncodedQuery, block: EncodedBlock): Ciphertext {
      const { words: left, features } = open(query, 'query');
      const { words: right, addend } = open(block, 'block');
      checkFeatures(query, block);
      const result = new Uint32Array(ciphertextWords(parameters));
      for (let row = 0; row < 2 * primes; row++) {
        upperSum.fill(0);
        lowerSum.fill(0);
        for (let feature = 0; feature < features; feature++) {
          const at = (feature * 2 * primes + row) * degree;
          const other = (feature * primes + (row % primes)) * degree;
          accumulate(
            left.subarray(at, at + degree),
            right.subarray(other, other + degree),
            upperSum,
            lowerSum,
          );
        }
        const prime = dataPrimes[row % primes] as number;
        const polynomial = result.subarray(row * degree, (row + 1) * degree);
        reduce(upperSum, lowerSum, prime, polynomial);
        transforms[row % primes]?.inverse(polynomial);
        if (addend !== undefined && row < primes) {
          for (let i = 0; i < degree; i++) {
            const sum = (polynomial[i] as number) + (addend[row * degree + i] as number);
            polynomial[i] = sum >= prime ? sum - prime : sum;
          }
        }
      }
      return result;
    },

    score(
      query: EncodedQuery,
      blocks: readonly EncodedBlock[],
      dropped: DroppedBits,
      target: Uint8Array,
    ): void {
      checkTarget(parameters, blocks.length, dropped, target);
      const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
      const size = replyBlockBytes(parameters, dropped);
      blocks.forEach((block, i) => {
        const result = kernel.multiplyAccumulate(query, block);
        packReplyBlock(parameters, result, dropped, view, i * size);
      });
    },
  };
  return kernel;
}

/**
 * Adds a∘b to two sums, split by the upper and lower 14 bits of b. Each product is below 2⁴², so the
 * sums stay exact in doubles for 1,024 features and one reduction at the end is enough.
 */
function accumulate(
  a: Uint32Array,
  b: Uint32Array,
  upperSum: Float64Array,
  lowerSum: Float64Array,
): void {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] as number;
    const right = b[i] as number;
    upperSum[i] = (upperSum[i] as number) + left * (right >>> 14);
    lowerSum[i] = (lowerSum[i] as number) + left * (right & 0x3fff);
  }
}

/** (2¹⁴·upper + lower) mod prime. */
function reduce(
  upperSum: Float64Array,
  lowerSum: Float64Array,
  prime: number,
  result: Uint32Array,
): void {
  for (let i = 0; i < result.length; i++) {
    const upper = (upperSum[i] as number) % prime;
    const lower = (lowerSum[i] as number) % prime;
    result[i] = (upper * 0x4000 + lower) % prime;
  }
}
