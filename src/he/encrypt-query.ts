import { bytesToHex } from '@noble/hashes/utils.js';
import type { CatalogueDescription } from './catalogue-description.ts';
import { packProfile } from './packing.ts';
import type { HeParameters } from './parameters.ts';
import { type QuantisationError, quantisationError, quantiseProfile } from './quantise.ts';
import { encodeQuery } from './query-wire.ts';
import type { QueryKey } from './scoring-provider.ts';

/** A profile on its way to the server. */
export interface EncryptedProfile {
  /** 32 hex digits; the reply carries them too. */
  readonly queryId: string;
  /** What goes to the server. */
  readonly query: Uint8Array<ArrayBuffer>;
  /** What rounding the profile to integers cost; stays on the client. */
  readonly quantisationError: QuantisationError;
}

/**
 * Encrypts a profile under a key that was never used. Every feature is sent, zero or not.
 *
 * @param profile - `[dimensions]`, of Euclidean norm at most the catalogue's `profileNormBound`
 * @throws {VelaturaError} `he/value-out-of-range` if it is not finite or too long
 * @throws {VelaturaError} `he/provider-failure`
 */
export function encryptQuery(
  parameters: HeParameters,
  catalogue: CatalogueDescription,
  key: QueryKey,
  profile: Float32Array,
): EncryptedProfile {
  const { dimensions, items, profileScale, profileNormBound, version } = catalogue;
  if (profile.length !== dimensions) {
    throw new RangeError(`"profile" expected ${dimensions} features, got ${profile.length}`);
  }
  const weights = quantiseProfile(profile, profileScale, profileNormBound);
  const groups = packProfile(weights, catalogue.featuresPerCiphertext);
  const ciphertexts = groups.map((group) => key.encrypt(group));
  const queryId = bytesToHex(globalThis.crypto.getRandomValues(new Uint8Array(16)));
  const query = encodeQuery(
    { parameters, catalogueVersion: version, items, ciphertexts: groups.length },
    queryId,
    ciphertexts,
  );
  const error = quantisationError(profile, weights, profileScale);
  weights.fill(0);
  return { queryId, query, quantisationError: error };
}
