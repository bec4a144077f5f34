import { VelaturaError } from '../core/errors.ts';
import { assertCiphertext } from './ciphertext.ts';
import { HandleScope } from './handle-scope.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { assertPlaintext } from './plaintext.ts';
import { HE_PRESETS } from './presets.ts';
import type {
  Ciphertext,
  QueryKey,
  ScoringProvider,
  SeededCiphertext,
} from './scoring-provider.ts';
import {
  createSealContext,
  createSealKey,
  guardSeal,
  loadSealKey,
  type Seal,
  type SealContext,
  type SealKey,
  saveSealKey,
  sealDecrypt,
  sealEncrypt,
} from './seal-context.ts';
import { frameCiphertext, unframeSeededCiphertext } from './seal-framing.ts';

/** A provider whose keys can be kept, for pipelines in which a query outlives a process. */
export interface NodeSealProvider extends ScoringProvider {
  /**
   * The secret key as bytes.
   *
   * ## Privacy
   * Whoever has them reads every query made with the key: for a file that only its owner can read, and for one
   * query. In a running client keys stay inside.
   */
  exportKeyUnsafely(key: QueryKey): Uint8Array;
  /**
   * A key that was exported before.
   *
   * @throws {VelaturaError} `he/malformed-message` if the bytes are no key of these parameters
   */
  importKey(parameters: HeParameters, bytes: Uint8Array): QueryKey;
}

/**
 * The provider that encrypts with Microsoft SEAL compiled to WebAssembly (`node-seal` 6), in Node and
 * browsers. The library is loaded on the first call and tested once against what this package expects.
 *
 * ## Privacy
 * BFV with ternary secrets and 128-bit parameters; a fresh key per query, from the platform's
 * cryptographic generator. SEAL overwrites keys when they are freed; copies of plaintexts in JavaScript
 * and WebAssembly memory are not all overwritten, and encryption and decryption are not constant-time.
 *
 * @throws {VelaturaError} `he/provider-failure` if node-seal cannot be loaded or fails the test
 */
export async function createNodeSealProvider(): Promise<NodeSealProvider> {
  const seal = await loadSeal();
  const contexts = new Map<string, SealContext>();
  const contextOf = (parameters: HeParameters): SealContext => {
    const known = contexts.get(parameters.id);
    if (known !== undefined) return known;
    const context = guardSeal(seal, 'setting parameters', () =>
      createSealContext(seal, parameters),
    );
    contexts.set(parameters.id, context);
    return context;
  };
  contextOf(HE_PRESETS.default);

  return {
    name: 'node-seal',
    secure: true,
    createKey(parameters: HeParameters): QueryKey {
      assertHeParameters(parameters);
      return new SealQueryKey(contextOf(parameters), createSealKey);
    },
    exportKeyUnsafely(key: QueryKey): Uint8Array {
      if (!(key instanceof SealQueryKey)) {
        throw new TypeError('"key" expected a key of node-seal, got another object');
      }
      return key.save();
    },
    importKey(parameters: HeParameters, bytes: Uint8Array): QueryKey {
      assertHeParameters(parameters);
      return new SealQueryKey(contextOf(parameters), (context, scope) =>
        loadSealKey(context, bytes, scope),
      );
    },
  };
}

class SealQueryKey implements QueryKey {
  readonly #context: SealContext;
  readonly #scope = new HandleScope();
  readonly #key: SealKey;
  #disposed = false;

  constructor(context: SealContext, make: (context: SealContext, scope: HandleScope) => SealKey) {
    this.#context = context;
    try {
      this.#key = guardSeal(context.seal, 'making a key', () => make(context, this.#scope));
    } catch (error) {
      this.#scope.dispose();
      throw error;
    }
  }

  get parameters(): HeParameters {
    return this.#context.parameters;
  }

  encrypt(coefficients: Int32Array): SeededCiphertext {
    this.#assertAlive();
    assertPlaintext(this.parameters, coefficients);
    return guardSeal(this.#context.seal, 'encrypting', () =>
      unframeSeededCiphertext(this.parameters, sealEncrypt(this.#context, this.#key, coefficients)),
    );
  }

  decrypt(ciphertext: Ciphertext): Int32Array {
    this.#assertAlive();
    assertCiphertext(this.parameters, ciphertext);
    const framed = frameCiphertext(this.parameters, this.#context.parmsId, ciphertext);
    return guardSeal(this.#context.seal, 'decrypting', () =>
      sealDecrypt(this.#context, this.#key, framed),
    );
  }

  save(): Uint8Array {
    this.#assertAlive();
    return guardSeal(this.#context.seal, 'writing a key', () =>
      saveSealKey(this.#context, this.#key),
    );
  }

  dispose(): void {
    this.#disposed = true;
    this.#scope.dispose();
  }

  #assertAlive(): void {
    if (this.#disposed) throw new TypeError('"key" expected a live key, got a disposed one');
  }
}

let loading: Promise<Seal> | undefined;

/** The library, loaded once per process. */
export function loadSeal(): Promise<Seal> {
  loading ??= importSeal();
  return loading;
}

async function importSeal(): Promise<Seal> {
  try {
    const module = await import('node-seal');
    // The default export is the factory itself; the types wrongly put it one level deeper.
    const factory = module.default as unknown as typeof module.default.default;
    return await factory();
  } catch (cause) {
    loading = undefined;
    throw new VelaturaError('he/provider-failure', 'node-seal cannot be loaded', {}, { cause });
  }
}
