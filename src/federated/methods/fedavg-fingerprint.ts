import { bytesToHex } from '@noble/hashes/utils.js';
import { encodeCanonical } from '../../core/cbor.ts';
import { portableSha256 } from '../../core/hash-chain.ts';
import { isInsecure } from '../../dp/plan.ts';
import type { FederatedClient } from '../rounds/client.ts';
import type { RoundEnvironment } from '../rounds/private-round.ts';
import type { FedAvgOptions } from './fedavg.ts';
import type { RunTerms } from './participation.ts';
import type { WeightAveraging } from './server-averaging.ts';
import type { ServerOptimiser } from './server-optimiser.ts';

const ACCOUNTS_TAG = new TextEncoder().encode('velatura-run-accounts-v1\0');

/** A run with its defaults. */
export interface RunIdentity {
  readonly environment: RoundEnvironment;
  readonly clients: readonly FederatedClient[];
  readonly options: FedAvgOptions;
  readonly terms: RunTerms;
  readonly parameterCount: number;
  readonly learningRates: readonly number[];
  readonly averaging: WeightAveraging;
  readonly optimiser: ServerOptimiser;
}

/**
 * What makes a run what it is, as text: its public constants, who is in it, who pays, whose noise. Only a run of the
 * same fingerprint may go on from a state.
 *
 * ## Privacy
 * Accounts enter by one digest of the whole list, which is public where membership is; it names nobody, but whoever
 * knows all accounts but one can test a guess of the last.
 */
export function runFingerprint(run: RunIdentity): string {
  const { environment, options, terms, parameterCount, learningRates, averaging, optimiser } = run;
  const { runId, normaliser, robust, layers, clippingNorm, clippingFlagWeight } = options;
  return JSON.stringify({
    runId,
    parameters: parameterCount,
    relation: environment.relation,
    terms,
    clippingNorm,
    layers: layers ?? null,
    clippingFlagWeight: clippingFlagWeight ?? 0,
    normaliser,
    learningRates,
    averaging,
    optimiser: optimiser.name,
    robust: robust ?? null,
    accounts: accountsDigest(run.clients),
    charged: environment.budget !== null,
    insecure: isInsecure(environment.random),
  });
}

/** Of all accounts in their order, which decides the groups. */
function accountsDigest(clients: readonly FederatedClient[]): string {
  const accounts = encodeCanonical(clients.map(({ account }) => account));
  return bytesToHex(portableSha256(ACCOUNTS_TAG, accounts).subarray(0, 16));
}
