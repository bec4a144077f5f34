import { expect, it } from 'vitest';
import { HE_PRESETS, type QueryKey } from '../../src/he/index.ts';
import { multiplyModulo, powerModulo } from '../../src/he/modular.ts';
import { providerAndMemory } from './fixtures.ts';

const parameters = HE_PRESETS.default;
const { polynomialDegree: degree, plaintextModulus, ciphertextModulus: prime } = parameters;

/** The secret polynomial: what a ciphertext (0, ⌊q/t⌋) decrypts to. */
function secretOf(key: QueryKey): Int32Array {
  const ciphertext = new Uint32Array(2 * degree);
  ciphertext[degree] = Math.floor(prime / plaintextModulus);
  return key.decrypt(ciphertext);
}

/** The first words of the secret as SEAL keeps it: transformed, with the least root of unity. */
function firstTransformedWords(secret: Int32Array, count: number): bigint[] {
  const multiply = (a: number, b: number): number => multiplyModulo(a, b, prime, b / prime);
  const candidates = Array.from({ length: 100 }, (_, i) =>
    powerModulo(i + 2, (prime - 1) / (2 * degree), prime),
  );
  const root = candidates.find((x) => powerModulo(x, degree, prime) === prime - 1) as number;
  let least = root;
  for (let i = 0, power = root; i < degree; i++) {
    power = multiply(power, multiply(root, root));
    least = Math.min(least, power);
  }
  const bits = Math.log2(degree);
  return Array.from({ length: count }, (_, i) => {
    const reversed = Number.parseInt([...i.toString(2).padStart(bits, '0')].reverse().join(''), 2);
    const point = powerModulo(least, 2 * reversed + 1, prime);
    const value = secret.reduceRight((sum, s) => (multiply(sum, point) + s + prime) % prime, 0);
    return BigInt(value);
  });
}

function copiesIn(memory: WebAssembly.Memory, pattern: readonly bigint[]): number {
  const words = new BigUint64Array(memory.buffer);
  let copies = 0;
  for (let at = words.indexOf(pattern[0] as bigint); at >= 0; ) {
    if (pattern.every((word, i) => words[at + i] === word)) copies++;
    at = words.indexOf(pattern[0] as bigint, at + 1);
  }
  return copies;
}

it('leaves no copy of the secret key in the memory of node-seal after dispose', async () => {
  const [provider, memory] = await providerAndMemory();
  const key = provider.createKey(parameters);
  key.encrypt(Int32Array.of(1));
  const secret = secretOf(key);
  expect(new Set(secret)).toEqual(new Set([-1, 0, 1]));
  const pattern = firstTransformedWords(secret, 6);
  expect(copiesIn(memory, pattern)).toBeGreaterThan(0);
  key.dispose();
  expect(copiesIn(memory, pattern)).toBe(0);
});
