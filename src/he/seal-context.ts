import { VelaturaError } from '../core/errors.ts';
import { type Handle, HandleScope, withHandles } from './handle-scope.ts';
import type { HeParameters } from './parameters.ts';
import {
  frameCiphertext,
  framePlaintext,
  parmsIdOf,
  unframeCiphertext,
  unframePlaintext,
} from './seal-framing.ts';

/** The library object of node-seal 6. */
export type Seal = Awaited<ReturnType<typeof import('node-seal')['default']>>;

/**
 * Runs a call into SEAL. node-seal's constructors throw bare numbers, which become coded errors.
 *
 * @throws {VelaturaError} `he/provider-failure`
 */
export function guardSeal<T>(seal: Seal, doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof VelaturaError) throw error;
    const cause = seal.Exception.safe(error as number | Error | string);
    throw new VelaturaError(
      'he/provider-failure',
      `SEAL failed while ${doing}: ${cause.message}`,
      {},
      { cause },
    );
  }
}

/** SEAL's precomputed tables for one parameter set, kept for the life of the provider. */
export interface SealContext {
  readonly seal: Seal;
  readonly parameters: HeParameters;
  readonly handle: ReturnType<Seal['Context']>;
  /** SEAL's own name for the data level of the parameters. */
  readonly parmsId: Uint8Array;
}

/** The working objects of one secret key. */
export interface SealKey {
  readonly encryptor: ReturnType<Seal['Encryptor']>;
  readonly decryptor: ReturnType<Seal['Decryptor']>;
}

/**
 * Builds the tables, and checks on a real encryption that this version of SEAL writes the frames that
 * `seal-framing.ts` knows.
 *
 * @throws {VelaturaError} `he/provider-failure` if it does not
 */
export function createSealContext(seal: Seal, parameters: HeParameters): SealContext {
  const handle = buildContext(seal, parameters);
  try {
    const context = { seal, parameters, handle, parmsId: new Uint8Array() };
    return { ...context, parmsId: selfTest(context) };
  } catch (error) {
    handle.delete();
    throw error;
  }
}

/** A fresh secret key in `scope`, which erases it: SEAL overwrites the memory of keys it frees. */
export function createSealKey({ seal, handle }: SealContext, scope: HandleScope): SealKey {
  const secretKey = scope.own(seal.SecretKey());
  const publicKey = withHandles((inner) => {
    const generator = inner.own(seal.KeyGenerator(handle));
    // Not generator.secretKey(): that copies the key and never frees the original.
    secretKey.inject(inner.own(generator.instance.secretKey() as Handle));
    return scope.own(generator.createPublicKey());
  });
  // Symmetric encryption uses the secret key alone, but the constructor wants both.
  return {
    encryptor: scope.own(seal.Encryptor(handle, publicKey, secretKey)),
    decryptor: scope.own(seal.Decryptor(handle, secretKey)),
  };
}

/** Encrypts centred coefficients under the secret key; SEAL's own bytes. */
export function sealEncrypt(
  { seal, parameters, handle }: SealContext,
  key: SealKey,
  coefficients: Int32Array,
): Uint8Array {
  return withHandles((scope) => {
    const plaintext = scope.own(seal.PlainText());
    const ciphertext = scope.own(seal.CipherText());
    plaintext.loadArray(handle, framePlaintext(parameters, coefficients));
    key.encryptor.encryptSymmetric(plaintext, ciphertext, globalPool(seal));
    plaintext.setZero();
    return ciphertext.saveArray(seal.ComprModeType.none);
  });
}

/** Decrypts a ciphertext framed by `seal-framing.ts` to N centred coefficients. */
export function sealDecrypt(
  { seal, parameters, handle }: SealContext,
  key: SealKey,
  framed: Uint8Array,
): Int32Array {
  return withHandles((scope) => {
    const ciphertext = scope.own(seal.CipherText());
    const plaintext = scope.own(seal.PlainText());
    ciphertext.loadArray(handle, framed);
    key.decryptor.decrypt(ciphertext, plaintext);
    const bytes = plaintext.saveArray(seal.ComprModeType.none);
    plaintext.setZero();
    return unframePlaintext(parameters, bytes);
  });
}

const pools = new WeakMap<Seal, Seal['MemoryPoolHandle']['global']>();

/** One handle on the global pool for all calls: reading `global` makes a new one each time. */
function globalPool(seal: Seal): Seal['MemoryPoolHandle']['global'] {
  const pool = pools.get(seal) ?? seal.MemoryPoolHandle.global;
  pools.set(seal, pool);
  return pool;
}

function buildContext(seal: Seal, parameters: HeParameters): ReturnType<Seal['Context']> {
  return withHandles((scope) => {
    const modulus = (value: number): ReturnType<Seal['Modulus']> =>
      scope.own(seal.Modulus(BigInt(value)));
    const { dataPrimes, specialPrime } = parameters;
    const primes = specialPrime === null ? dataPrimes : [...dataPrimes, specialPrime];
    const chain = scope.own(seal.Vector());
    chain.from(primes.map((prime) => modulus(prime).instance) as never, 'Modulus');
    const settings = scope.own(seal.EncryptionParameters(seal.SchemeType.bfv));
    settings.setPolyModulusDegree(parameters.polynomialDegree);
    settings.setCoeffModulus(chain);
    settings.setPlainModulus(modulus(parameters.plaintextModulus));
    const level = parameters.secure ? seal.SecurityLevel.tc128 : seal.SecurityLevel.none;
    const context = seal.Context(settings, true, level);
    if (!context.parametersSet()) {
      context.delete();
      throw new VelaturaError('he/provider-failure', 'SEAL refuses the parameter set', {
        parameters: parameters.id,
      });
    }
    return context;
  });
}

/** Encrypts and decrypts a known polynomial through the framing; returns the parms_id. */
function selfTest(context: SealContext): Uint8Array {
  const { parameters } = context;
  const probe = Int32Array.of(1, -2, 0, (parameters.plaintextModulus - 1) / 2);
  const scope = new HandleScope();
  try {
    const key = createSealKey(context, scope);
    const written = sealEncrypt(context, key, probe);
    const parmsId = parmsIdOf(written);
    const framed = frameCiphertext(parameters, parmsId, unframeCiphertext(parameters, written));
    const decrypted = sealDecrypt(context, key, framed);
    const sameFrame =
      framed.length === written.length && framed.every((byte, i) => byte === written[i]);
    if (!sameFrame || decrypted.some((value, i) => value !== (probe[i] ?? 0))) {
      throw new VelaturaError(
        'he/provider-failure',
        `node-seal ${context.seal.Version} serialises in another way than this library knows`,
        { version: context.seal.Version },
      );
    }
    return parmsId;
  } finally {
    scope.dispose();
  }
}
