import { ciphertextWords } from '../ciphertext.ts';
import type { DroppedBits } from '../dropped-bits.ts';
import type { EncodedBlock, EncodedQuery } from '../kernel.ts';
import { MAX_FEATURES } from '../limits.ts';
import type { HeParameters } from '../parameters.ts';
import { replyBlockBytes } from '../reply-wire.ts';
import type { Ciphertext } from '../scoring-provider.ts';

/** Throws unless the columns fit polynomials, and the addend is one per prime. */
export function checkColumns(
  parameters: HeParameters,
  columns: readonly Int8Array[],
  addend: Uint32Array | undefined,
): void {
  const { polynomialDegree: degree, dataPrimes } = parameters;
  for (const { length } of columns) {
    if (length > degree) {
      throw new RangeError(`"columns" expected at most ${degree} coefficients, got ${length}`);
    }
  }
  if (addend !== undefined && addend.length !== dataPrimes.length * degree) {
    throw new RangeError(
      `"addend" expected ${dataPrimes.length * degree} words, got ${addend.length}`,
    );
  }
}

/** Throws unless every ciphertext has the words of one. */
export function checkCiphertexts(
  parameters: HeParameters,
  ciphertexts: readonly Ciphertext[],
): void {
  const words = ciphertextWords(parameters);
  for (const { length } of ciphertexts) {
    if (length !== words) {
      throw new RangeError(`"ciphertexts" expected ${words} words each, got ${length}`);
    }
  }
}

/** Throws unless query and block have the same number of features, and sums of so many stay exact. */
export function checkFeatures(query: EncodedQuery, block: EncodedBlock): void {
  if (query.features !== block.features) {
    throw new RangeError(`"block" expected ${query.features} features, got ${block.features}`);
  }
  if (query.features > MAX_FEATURES) {
    throw new RangeError(
      `"query" expected at most ${MAX_FEATURES} features, got ${query.features}`,
    );
  }
}

/** Throws unless the target holds so many blocks of a reply. */
export function checkTarget(
  parameters: HeParameters,
  blocks: number,
  dropped: DroppedBits,
  target: Uint8Array,
): void {
  const bytes = blocks * replyBlockBytes(parameters, dropped);
  if (target.length !== bytes) {
    throw new RangeError(`"target" expected ${bytes} bytes, got ${target.length}`);
  }
}
