import { VelaturaError } from '../core/errors.ts';
import { expandCiphertext } from './expansion/expand-ciphertext.ts';
import { type Handle, HandleScope, withHandles } from './handle-scope.ts';
import type { HeParameters } from './parameters.ts';
import {
  assertSecretKeyFrame,
  frameCiphertext,
  framePlaintext,
  parmsIdOf,
  secretKeyHead,
  unframePlaintext,
  unframeSeededCiphertext,
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
  /** The public key of nobody: SEAL's encryptor wants one, symmetric encryption never looks at it. */
  readonly publicKey: ReturnType<Seal['PublicKey']>;
  /** SEAL's own name for the data level of the parameters. */
  readonly parmsId: Uint8Array;
  /** What its secret keys begin with when they are written. */
  readonly keyHead: Uint8Array;
}

/** The working objects of one secret key. */
export interface SealKey {
  readonly secretKey: ReturnType<Seal['SecretKey']>;
  readonly encryptor: ReturnType<Seal['Encryptor']>;
  readonly decryptor: ReturnType<Seal['Decryptor']>;
  /** What is being encrypted or decrypted; overwritten by the next. */
  readonly plaintext: ReturnType<Seal['PlainText']>;
  /** What is being decrypted. */
  readonly ciphertext: ReturnType<Seal['CipherText']>;
}

/**
 * Builds the tables, and checks on a real encryption that this version of SEAL writes the frames that
 * `seal-framing.ts` knows.
 *
 * @throws {VelaturaError} `he/provider-failure` if it does not
 */
export function createSealContext(seal: Seal, parameters: HeParameters): SealContext {
  const scope = new HandleScope();
  try {
    const handle = scope.own(buildContext(seal, parameters));
    const publicKey = scope.own(
      withHandles((inner) => inner.own(seal.KeyGenerator(handle)).createPublicKey()),
    );
    const none = new Uint8Array();
    const context = { seal, parameters, handle, publicKey, parmsId: none, keyHead: none };
    return { ...context, ...selfTest(context) };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}

/** A fresh secret key in `scope`, which erases it: SEAL overwrites the memory of keys it frees. */
export function createSealKey(context: SealContext, scope: HandleScope): SealKey {
  const { seal, handle } = context;
  const secretKey = scope.own(seal.SecretKey());
  withHandles((inner) => {
    const generator = inner.own(seal.KeyGenerator(handle));
    // Not generator.secretKey(): that copies the key and never frees the original.
    secretKey.inject(inner.own(generator.instance.secretKey() as Handle));
  });
  return workingKey(context, secretKey, scope);
}

/**
 * A secret key that was written before.
 *
 * @throws {VelaturaError} `he/malformed-message` if the bytes are none of these parameters
 */
export function loadSealKey(context: SealContext, bytes: Uint8Array, scope: HandleScope): SealKey {
  assertSecretKeyFrame(context.parameters, context.keyHead, bytes);
  const secretKey = scope.own(context.seal.SecretKey());
  secretKey.loadArray(context.handle, bytes);
  return workingKey(context, secretKey, scope);
}

/** The bytes of a secret key. */
export function saveSealKey({ seal }: SealContext, key: SealKey): Uint8Array {
  return key.secretKey.saveArray(seal.ComprModeType.none);
}

function workingKey(
  { seal, handle, publicKey }: SealContext,
  secretKey: SealKey['secretKey'],
  scope: HandleScope,
): SealKey {
  return {
    secretKey,
    encryptor: scope.own(seal.Encryptor(handle, publicKey, secretKey)),
    decryptor: scope.own(seal.Decryptor(handle, secretKey)),
    plaintext: scope.own(seal.PlainText()),
    ciphertext: scope.own(seal.CipherText()),
  };
}

/** Encrypts centred coefficients under the secret key; SEAL's own bytes, with a seed. */
export function sealEncrypt(
  { seal, parameters, handle }: SealContext,
  key: SealKey,
  coefficients: Int32Array,
): Uint8Array {
  return withHandles((scope) => {
    key.plaintext.loadArray(handle, framePlaintext(parameters, coefficients));
    const ciphertext = scope.own(
      key.encryptor.encryptSymmetricSerializable(key.plaintext, globalPool(seal)),
    );
    key.plaintext.setZero();
    return ciphertext.saveArray(seal.ComprModeType.none);
  });
}

/** What SEAL makes of its own seeded ciphertext. */
function sealExpand({ seal, handle }: SealContext, written: Uint8Array): Uint8Array {
  return withHandles((scope) => {
    const ciphertext = scope.own(seal.CipherText());
    ciphertext.loadArray(handle, written);
    return ciphertext.saveArray(seal.ComprModeType.none);
  });
}

/** Decrypts a ciphertext framed by `seal-framing.ts` to N centred coefficients. */
export function sealDecrypt(
  { seal, parameters, handle }: SealContext,
  key: SealKey,
  framed: Uint8Array,
): Int32Array {
  key.ciphertext.loadArray(handle, framed);
  key.decryptor.decrypt(key.ciphertext, key.plaintext);
  const bytes = key.plaintext.saveArray(seal.ComprModeType.none);
  key.plaintext.setZero();
  return unframePlaintext(parameters, bytes);
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

/**
 * Encrypts and decrypts a known polynomial through the framing and our expansion of the seed, and holds both
 * against SEAL's own; returns what its frames begin with.
 */
function selfTest(context: SealContext): Pick<SealContext, 'parmsId' | 'keyHead'> {
  const { parameters } = context;
  const probe = Int32Array.of(1, -2, 0, (parameters.plaintextModulus - 1) / 2);
  const scope = new HandleScope();
  try {
    const key = createSealKey(context, scope);
    const written = sealEncrypt(context, key, probe);
    const parmsId = parmsIdOf(written);
    const seeded = unframeSeededCiphertext(parameters, written);
    const framed = frameCiphertext(parameters, parmsId, expandCiphertext(parameters, seeded));
    const decrypted = sealDecrypt(context, key, framed);
    const expanded = sealExpand(context, written);
    const sameFrame =
      framed.length === expanded.length && framed.every((byte, i) => byte === expanded[i]);
    if (!sameFrame || decrypted.some((value, i) => value !== (probe[i] ?? 0))) {
      throw new VelaturaError(
        'he/provider-failure',
        `node-seal ${context.seal.Version} serialises in another way than this library knows`,
        { version: context.seal.Version },
      );
    }
    return { parmsId, keyHead: secretKeyHead(saveSealKey(context, key)) };
  } finally {
    scope.dispose();
  }
}
