import { sameBytes } from '../../core/bytes.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { Bytes, SecAggCrypto } from './crypto.ts';
import { Lanes, type LaneWords, streamLength } from './lanes.ts';
import { RoundSecrets } from './secrets.ts';
import { recoverSecret, type Share } from './shamir.ts';

/** What all tasks of one round share. */
export interface UnmaskingTerms {
  /** Digest of the parameters of the round. */
  readonly digest: Bytes;
  readonly dimension: number;
  readonly modulusBits: number;
  /** Shares that give a secret back. */
  readonly threshold: number;
}

/** The masks of one member that are still in the sum, and what takes them off. Plain data: it may go to another thread. */
export interface UnmaskingTask {
  readonly member: number;
  readonly shares: readonly Share[];
  readonly masks:
    | {
        /** A survivor: its own mask. */
        readonly kind: 'self';
        /** What it committed its seed to. */
        readonly commitment: Bytes;
      }
    | {
        /** A member that dropped: the masks it shared with neighbours that did not. */
        readonly kind: 'pairs';
        readonly maskKey: Bytes;
        readonly survivors: readonly { readonly member: number; readonly maskKey: Bytes }[];
      };
}

/**
 * Adds up the masks of some tasks.
 *
 * @returns sums of them, all of which have to be taken from the masked sum
 * @throws {VelaturaError} `federated/secagg-bad-share`
 */
export type Unmasker = (
  terms: UnmaskingTerms,
  tasks: readonly UnmaskingTask[],
) => Promise<readonly LaneWords[]>;

/**
 * The {@link Unmasker} of this thread. Cost: for each task the square of the threshold in products of 256 bits, and a
 * stream of masks; for a member that dropped a key agreement and a stream for each of its neighbours.
 */
export function unmaskerOf(crypto: SecAggCrypto): Unmasker {
  return async (terms, tasks) => {
    const { digest, dimension, modulusBits } = terms;
    const secrets = new RoundSecrets(crypto, digest);
    const length = streamLength(dimension, modulusBits);
    const sum = new Lanes(dimension, modulusBits);
    const liars = new Set<number>();
    for (const task of tasks) {
      const { member, masks } = task;
      if (masks.kind === 'self') {
        const seed = await recover(terms, task, liars, (candidate) =>
          sameBytes(secrets.commitment(candidate, member), masks.commitment),
        );
        sum.addStream(await secrets.selfMask(seed, member, length), 1);
        continue;
      }
      const secret = await recover(terms, task, liars, async (candidate) =>
        sameBytes((await crypto.agreementKey(candidate)).publicKey, masks.maskKey),
      );
      const key = await crypto.agreementKey(secret);
      for (const other of masks.survivors) {
        const mask = await secrets.pairMask(key, other.maskKey, [member, other.member], length);
        // The survivor added it where its place is the lower one, and took it away where it is the higher.
        sum.addStream(mask, other.member < member ? 1 : -1);
      }
    }
    return [sum.words];
  };
}

async function recover(
  { threshold }: UnmaskingTerms,
  { member, shares }: UnmaskingTask,
  liars: Set<number>,
  isSecret: (candidate: Bytes) => boolean | Promise<boolean>,
): Promise<Bytes> {
  const found = await recoverSecret(shares, threshold, isSecret, liars);
  if (found !== null) {
    for (const index of found.wrong) liars.add(index);
    return found.secret;
  }
  throw new VelaturaError(
    'federated/secagg-bad-share',
    'the shares of a member do not fit what it committed to; the round is lost',
    { position: member, shares: shares.length, threshold },
  );
}
