import { loadSeal } from '../src/he/node-seal-provider.ts';
import type { Seal } from '../src/he/seal-context.ts';
import { median } from './suite.ts';

/** What node-seal alone takes, in the two ways in which one would use it. */
export interface NodeSealTimes {
  /** Milliseconds for one item: multiply by its slots, then add up its features by rotations. */
  readonly rotateAndSum: number;
  /**
   * Nanoseconds for one item and feature, columns of items as polynomials in transformed form: the same way of
   * computing as ours, without our kernel. N = 2048, 54 bits, the fastest set that SEAL has room for.
   */
  readonly columnPacking: number;
}

/** Measures both on random numbers. */
export async function nodeSealTimes(dimensions: number): Promise<NodeSealTimes> {
  const seal = await loadSeal();
  return {
    rotateAndSum: rotateAndSum(seal, dimensions, 20),
    columnPacking: columnPacking(seal, dimensions, 3),
  };
}

function contextOf(seal: Seal, degree: number, bits: Int32Array, t: number) {
  const parms = seal.EncryptionParameters(seal.SchemeType.bfv);
  parms.setPolyModulusDegree(degree);
  parms.setCoeffModulus(seal.CoeffModulus.Create(degree, bits));
  parms.setPlainModulus(seal.Modulus(BigInt(t)));
  return seal.Context(parms, true, seal.SecurityLevel.tc128);
}

function rotateAndSum(seal: Seal, dimensions: number, items: number): number {
  const context = contextOf(seal, 4096, Int32Array.of(36, 36, 37), 65_537);
  const generator = seal.KeyGenerator(context);
  const encoder = seal.BatchEncoder(context);
  const evaluator = seal.Evaluator(context);
  const encryptor = seal.Encryptor(context, generator.createPublicKey());
  const galois = generator.createGaloisKeys(powersOfTwo(dimensions));
  const slots = (): Int32Array => {
    const values = new Int32Array(4096);
    for (let i = 0; i < dimensions; i++) values[i] = 1 + ((i * 37) % 127);
    return values;
  };
  const profile = encryptor.encrypt(encoder.encode(slots()) as never) as never;
  const product = seal.CipherText();
  const rotated = seal.CipherText();
  const started = performance.now();
  for (let item = 0; item < items; item++) {
    const plain = encoder.encode(slots()) as never;
    evaluator.multiplyPlain(profile, plain, product);
    for (const step of powersOfTwo(dimensions)) {
      evaluator.rotateRows(product, step, galois, rotated);
      evaluator.add(product, rotated, product);
    }
    (plain as { delete(): void }).delete();
  }
  return (performance.now() - started) / items;
}

function powersOfTwo(dimensions: number): Int32Array {
  return Int32Array.from({ length: Math.ceil(Math.log2(dimensions)) }, (_, i) => 2 ** i);
}

function columnPacking(seal: Seal, dimensions: number, blocks: number): number {
  const degree = 2048;
  const context = contextOf(seal, degree, Int32Array.of(54), 65_537);
  const generator = seal.KeyGenerator(context);
  const encoder = seal.BatchEncoder(context);
  const evaluator = seal.Evaluator(context);
  const encryptor = seal.Encryptor(context, generator.createPublicKey());
  const values = Int32Array.from({ length: degree }, (_, i) => 1 + ((i * 37) % 127));
  const level = context.firstParmsId;
  const transformed = () => {
    const plain = seal.PlainText();
    evaluator.plainTransformToNtt(encoder.encode(values) as never, level, plain);
    return plain;
  };
  const query = Array.from({ length: dimensions }, () => {
    const ciphertext = encryptor.encrypt(encoder.encode(values) as never) as never;
    evaluator.cipherTransformToNtt(ciphertext, ciphertext);
    return ciphertext;
  });
  const columns = Array.from({ length: dimensions }, transformed);
  const sum = seal.CipherText();
  const product = seal.CipherText();
  const times: number[] = [];
  for (let block = 0; block < blocks + 1; block++) {
    const started = performance.now();
    columns.forEach((column, feature) => {
      const target = feature === 0 ? sum : product;
      evaluator.multiplyPlain(query[feature] as never, column, target);
      if (feature > 0) evaluator.add(sum, product, sum);
    });
    evaluator.cipherTransformFromNtt(sum, sum);
    times.push(performance.now() - started);
  }
  return (median(times.slice(1)) * 1e6) / (degree * dimensions);
}
