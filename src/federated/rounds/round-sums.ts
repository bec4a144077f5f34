import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import type { FederatedClient, LocalComputation } from './client.ts';
import { noiseWords } from './distributed-noise.ts';
import type { SecureSum, SumParameters, SumSession } from './secure-sum.ts';
import type { UpdateEncoder } from './update-encoder.ts';

/** Bits of the modulus of the sum: large enough for every cohort and noise this library calibrates. */
const MODULUS_BITS = 52;

/** Clients whose updates become one sum. */
export interface SumPart {
  readonly roundId: string;
  readonly clients: readonly FederatedClient[];
  /** Fewer survivors abort the round. */
  readonly minimumSurvivors: number;
}

/** A part whose sum is open; null where nobody is asked, so that the sum is zero. */
export interface OpenPart extends SumPart {
  readonly session: SumSession | null;
}

/** Exact sums of all parts, before any noise. */
export interface PartSums {
  /** One of `[encodedDimension]` a part. */
  readonly sums: readonly Float64Array[];
  readonly survivors: number;
  /** Contributions that the sum would not take. */
  readonly refused: number;
}

/**
 * Refuses a sum that could pass the modulus if all of these accounts were asked: of a secret sample, whose
 * own sum must not tell by a refusal how large it is.
 *
 * @throws {VelaturaError} `federated/wrap-around`
 */
export function requireModulus(encoder: UpdateEncoder, accounts: number): void {
  if (encoder.noise !== null) {
    const { cohort, modulusBits } = encoder.noise;
    if (accounts <= cohort) return;
    throw new VelaturaError(
      'federated/wrap-around',
      `the noise was planned for at most ${cohort} accounts, got ${accounts}`,
      { accounts, cohort, modulusBits },
    );
  }
  const contributionBound = encoder.integerSensitivity;
  if (accounts * contributionBound < 2 ** (MODULUS_BITS - 1)) return;
  throw new VelaturaError(
    'federated/wrap-around',
    `${accounts} contributions of up to ${contributionBound} do not fit ${MODULUS_BITS} bits`,
    { accounts, contributionBound, modulusBits: MODULUS_BITS },
  );
}

/** What the encoding decides of a sum. */
function modulusOf({
  noise,
  integerSensitivity,
}: UpdateEncoder): Pick<SumParameters, 'modulusBits' | 'contributionBound' | 'noise'> {
  return noise === null
    ? { modulusBits: MODULUS_BITS, contributionBound: integerSensitivity }
    : { modulusBits: noise.modulusBits, contributionBound: null, noise: noiseWords(noise) };
}

/** @throws {VelaturaError} `federated/cohort-too-small`, `federated/wrap-around`: nobody was asked anything */
export async function openSums(
  secureSum: SecureSum,
  encoder: UpdateEncoder,
  parts: readonly SumPart[],
): Promise<OpenPart[]> {
  const open: OpenPart[] = [];
  for (const part of parts) {
    const isIdle = part.clients.length === 0 && part.minimumSurvivors === 0;
    const session = isIdle
      ? null
      : await secureSum.open({
          roundId: part.roundId,
          dimension: encoder.encodedDimension,
          ...modulusOf(encoder),
          cohort: part.clients.map((client) => client.account),
          minimumSurvivors: Math.max(part.minimumSurvivors, encoder.noise?.honestSurvivors ?? 0),
        });
    open.push({ ...part, session });
  }
  return open;
}

/**
 * Asks every client and closes the sums. What a sum refuses is counted and left out: one hostile client must
 * not stop a round that everybody has paid for.
 *
 * @throws {VelaturaError} `core/aborted`, `federated/cohort-too-small`
 */
export async function closeSums(
  parts: readonly OpenPart[],
  encoder: UpdateEncoder,
  compute: LocalComputation,
  options: {
    readonly signal: AbortSignal | undefined;
    readonly onClientError: ((error: unknown) => void) | undefined;
  },
): Promise<PartSums> {
  const sums: Float64Array[] = [];
  let survivors = 0;
  let refused = 0;
  for (const { session, clients } of parts) {
    if (session === null) {
      sums.push(new Float64Array(encoder.encodedDimension));
      continue;
    }
    for (const client of clients) {
      throwIfAborted(options.signal);
      const { vector } = client.contribute(compute, encoder, options.onClientError);
      if (!(await isTaken(session, client.account, vector))) refused++;
    }
    const result = await session.close();
    sums.push(result.sum);
    survivors += result.survivors;
  }
  return { sums, survivors, refused };
}

async function isTaken(
  session: SumSession,
  account: string,
  vector: Float64Array,
): Promise<boolean> {
  try {
    await session.contribute(account, vector);
    return true;
  } catch (error) {
    if (error instanceof VelaturaError && error.code === 'federated/invalid-contribution') {
      return false;
    }
    throw error;
  }
}
