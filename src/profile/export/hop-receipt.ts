import {
  contentDigest,
  type SignedDocument,
  signDocument,
  verifyDocument,
} from '../../core/signed-document.ts';
import type { HeadSigner, VerifySignature } from '../../core/signed-head.ts';
import { own } from '../names.ts';
import type { Purpose } from '../schema.ts';
import { EXPORT_PURPOSE, type ExportStatement } from './export-gate.ts';
import type { ExportPolicy } from './export-policy.ts';

/** Who got something from whom. Signed by the one who got it. */
export interface HopReceipt {
  readonly version: 1;
  /** Of what was handed on, as in the export statement. */
  readonly digest: string;
  /** `origin` for the first hop, then names of destinations. */
  readonly from: string;
  readonly to: string;
  readonly purpose: Purpose;
  /** Milliseconds since 1970-01-01T00:00Z, by the receiver's clock. */
  readonly at: number;
  /** Digest of the receipt before it, or of the export statement for the first. */
  readonly previous: string;
}

/** The first `from` of every chain of receipts. */
export const ORIGIN = 'origin';
const HOP_PURPOSE = 'hop-receipt';

/**
 * The receiver's receipt for something that was handed on.
 *
 * @param previous - the receipt of the one who hands it on, or the export statement for the first hop
 */
export function signHop(
  hop: Pick<HopReceipt, 'from' | 'to' | 'purpose' | 'at' | 'digest'>,
  previous: SignedDocument<HopReceipt> | SignedDocument<ExportStatement>,
  receiver: HeadSigner,
): Promise<SignedDocument<HopReceipt>> {
  const { digest, from, to, purpose, at } = hop;
  const content = { version: 1, digest, from, to, purpose, at } as const;
  return signDocument(HOP_PURPOSE, { ...content, previous: contentDigest(previous) }, receiver);
}

/** What {@link verifyHops} needs besides the receipts. */
export interface HopCheck {
  readonly policy: ExportPolicy;
  readonly verify: VerifySignature;
  /** Key of the exporter. */
  readonly exporter: Uint8Array;
  /** Destination → its key, learnt from it. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

/**
 * Follows something from its export through everybody who handed it on: each receipt is signed by its receiver,
 * continues the one before, is for the same thing and the same purpose, and goes where the policy lets it.
 *
 * It shows where a thing went if everybody signed; a copy that somebody handed on without a receipt it cannot show.
 *
 * @returns the problem in words, or null
 */
export async function verifyHops(
  statement: SignedDocument<ExportStatement>,
  receipts: readonly SignedDocument<HopReceipt>[],
  { policy, verify, exporter, keys }: HopCheck,
): Promise<string | null> {
  const problem = await verifyDocument(EXPORT_PURPOSE, statement, verify, exporter);
  if (problem !== null) return problem;
  const { destination, digest, purpose, exportedAt } = statement.content;
  let previous: SignedDocument<ExportStatement> | SignedDocument<HopReceipt> = statement;
  let [holder, time] = [ORIGIN, exportedAt];
  for (const [i, receipt] of receipts.entries()) {
    const name = `hop ${i + 1}`;
    const hop: HopReceipt | null | undefined = receipt?.content;
    if (typeof hop !== 'object' || hop === null) return `${name} is no receipt`;
    const key = keys.get(hop.to);
    if (key === undefined) return `${name} goes to somebody whose key is not known`;
    const bad = await verifyDocument(HOP_PURPOSE, receipt, verify, key);
    if (bad !== null) return `${name}: ${bad}`;
    if (hop.previous !== contentDigest(previous)) return `${name} does not continue what is before`;
    if (hop.from !== holder) return `${name} comes from somebody who does not hold it`;
    if (hop.digest !== digest) return `${name} is about something else`;
    if (hop.purpose !== purpose) return `${name} is for another purpose`;
    if (!(typeof hop.at === 'number' && hop.at >= time))
      return `${name} is dated before the one in front of it`;
    const onward = holder === ORIGIN ? [destination] : own(policy.destinations, holder)?.onward;
    if (onward?.includes(hop.to) !== true) return `${name} goes where the policy does not let it`;
    [holder, time, previous] = [hop.to, hop.at, receipt];
  }
  return null;
}
