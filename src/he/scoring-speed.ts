import { NOTHING_DROPPED } from './dropped-bits.ts';
import { expandCiphertext } from './expansion/expand-ciphertext.ts';
import { createScoringKernel } from './kernel/scoring-kernel.ts';
import type { HeParameters } from './parameters.ts';
import { replyBlockBytes } from './reply-wire.ts';
import type { Ciphertext, QueryKey, ScoringProvider } from './scoring-provider.ts';

/**
 * How fast a client and a server are. A residue is one of the `[primes, N]` words of a polynomial, so that
 * costs carry over between parameter sets; transforms make them grow a little faster, by log N.
 */
export interface ScoringSpeed {
  /** Milliseconds for a secret key. */
  readonly keyMs: number;
  /** Nanoseconds to encrypt, per residue of a query ciphertext's first polynomial. */
  readonly encryptNs: number;
  /** Nanoseconds to expand and transform a query on the server, per residue as above. */
  readonly prepareNs: number;
  /** Nanoseconds to multiply and add, per residue and group of features of a block. */
  readonly multiplyNs: number;
  /** Nanoseconds to transform back and pack, per residue of a block. */
  readonly packNs: number;
  /** Nanoseconds to decrypt, per residue of a block. */
  readonly decryptNs: number;
}

/**
 * One thread each of a server processor of 2023 (AMD EPYC, Zen 4), Node 20, node-seal 6.0.3, `default`
 * parameters, others at work beside it: what {@link measureScoringSpeed} said there. Phones take several times
 * longer for the client's part.
 */
export const REFERENCE_SPEED: ScoringSpeed = Object.freeze({
  keyMs: 0.35,
  encryptNs: 210,
  prepareNs: 37,
  multiplyNs: 0.34,
  packNs: 12,
  decryptNs: 165,
});

const FEATURES = 16;
const BLOCKS = 8;

/**
 * Measures this machine as client and server, in some 0.2 seconds: the least of several runs of each part.
 *
 * @param provider - for the client's part
 */
export function measureScoringSpeed(
  provider: ScoringProvider,
  parameters: HeParameters,
): ScoringSpeed {
  const residues = parameters.dataPrimes.length * parameters.polynomialDegree;
  const keyMs = leastMs(5, () => provider.createKey(parameters).dispose());
  const key = provider.createKey(parameters);
  try {
    return { keyMs, ...clientSpeed(key, residues), ...serverSpeed(key, parameters, residues) };
  } finally {
    key.dispose();
  }
}

function clientSpeed(
  key: QueryKey,
  residues: number,
): Pick<ScoringSpeed, 'encryptNs' | 'decryptNs'> {
  const plaintext = Int32Array.of(1);
  const ciphertext = expandCiphertext(key.parameters, key.encrypt(plaintext));
  return {
    encryptNs: (1e6 * leastMs(20, () => key.encrypt(plaintext))) / residues,
    decryptNs: (1e6 * leastMs(20, () => key.decrypt(ciphertext))) / residues,
  };
}

function serverSpeed(
  key: QueryKey,
  parameters: HeParameters,
  residues: number,
): Pick<ScoringSpeed, 'prepareNs' | 'multiplyNs' | 'packNs'> {
  const kernel = createScoringKernel(parameters);
  const seeded = Array.from({ length: FEATURES }, () => key.encrypt(Int32Array.of(1)));
  const column = new Int8Array(parameters.polynomialDegree).fill(1);
  const prepare = (): Ciphertext[] => seeded.map((each) => expandCiphertext(parameters, each));
  const prepareMs = leastMs(5, () => kernel.encodeQuery(prepare()).dispose());
  // Two widths of blocks, to tell what a block costs from what its features cost.
  const scoreMs = (features: number): number => {
    const query = kernel.encodeQuery(prepare().slice(0, features));
    const blocks = Array.from({ length: BLOCKS }, () =>
      kernel.encodeBlock(new Array(features).fill(column)),
    );
    const target = new Uint8Array(BLOCKS * replyBlockBytes(parameters, NOTHING_DROPPED));
    return leastMs(20, () => kernel.score(query, blocks, NOTHING_DROPPED, target)) / BLOCKS;
  };
  const [wide, narrow] = [scoreMs(FEATURES), scoreMs(FEATURES / 4)];
  const multiplyMs = Math.max(0, wide - narrow) / (FEATURES - FEATURES / 4);
  return {
    prepareNs: (1e6 * prepareMs) / FEATURES / residues,
    multiplyNs: (1e6 * multiplyMs) / residues,
    packNs: (1e6 * Math.max(0, wide - FEATURES * multiplyMs)) / residues,
  };
}

/** The least time of some runs, after as many for the compiler: on a machine that others use, the least is the truest. */
function leastMs(runs: number, work: () => unknown): number {
  for (let run = 0; run < runs; run++) work();
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}
