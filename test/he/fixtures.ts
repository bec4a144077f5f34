import { SeededRandom } from '../../src/core/seeded-random.ts';
import {
  createNodeSealProvider,
  type EncryptedProfile,
  type EncryptedScorer,
  type ScoringClient,
  type ScoringProvider,
} from '../../src/he/index.ts';

/** Rows of Euclidean norm 1, `[count, dimensions]`. */
export function unitVectors(seed: string, count: number, dimensions: number): Float32Array {
  const random = new SeededRandom(seed);
  const vectors = new Float32Array(count * dimensions);
  for (let at = 0; at < vectors.length; at += dimensions) {
    const row = Array.from({ length: dimensions }, () => gaussian(random));
    const norm = Math.hypot(...row);
    row.forEach((value, i) => {
      vectors[at + i] = value / norm;
    });
  }
  return vectors;
}

function gaussian(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  return radius * Math.cos(2 * Math.PI * random.uniform());
}

/** A query of a client, and the reply to it. */
export function exchange(
  client: ScoringClient,
  scorer: EncryptedScorer,
  profile: Float32Array,
): EncryptedProfile & { readonly reply: Uint8Array } {
  const asked = client.encryptProfile(profile);
  return { ...asked, reply: scorer.score(asked.query) };
}

/** The code of the error that `body` throws; fails when it throws none. */
export function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  throw new Error('expected an error, but none was thrown');
}

/** Loads node-seal and catches the memory of its WebAssembly module; before anything else loads it. */
export async function providerAndMemory(): Promise<[ScoringProvider, WebAssembly.Memory]> {
  const original = WebAssembly.instantiate;
  let memory: WebAssembly.Memory | undefined;
  const instantiate = async (bytes: BufferSource, imports?: WebAssembly.Imports) => {
    const result = await original(bytes, imports);
    for (const value of Object.values(result.instance.exports)) {
      if (value instanceof WebAssembly.Memory) memory = value;
    }
    return result;
  };
  WebAssembly.instantiate = instantiate as typeof WebAssembly.instantiate;
  try {
    const provider = await createNodeSealProvider();
    if (memory === undefined) throw new Error('node-seal exports no memory');
    return [provider, memory];
  } finally {
    WebAssembly.instantiate = original;
  }
}
