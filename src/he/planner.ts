import { blockCount } from './packing.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { messageBytes } from './wire.ts';

/** What is to be scored how often. */
export interface ScoringWorkload {
  readonly parameters: HeParameters;
  readonly items: number;
  readonly dimensions: number;
  /** Whether items have biases. */
  readonly biases?: boolean;
  /** Queries that one client makes while a catalogue version lasts. */
  readonly queriesPerVersion: number;
}

/** What that costs on the wire. */
export interface ScoringPlan {
  /** Bytes up, per query. */
  readonly queryBytes: number;
  /** Bytes down, per query. */
  readonly replyBytes: number;
  /** Bytes up and down for all queries of one catalogue version. */
  readonly encryptedBytes: number;
  /** Bytes down, once per version, if the client got the integer items and scored them itself. */
  readonly matrixBytes: number;
  /**
   * Whether sending the items to the client is cheaper. It also hides the profile perfectly and needs no
   * trust in the server; encryption pays when the catalogue is large, secret or short-lived.
   */
  readonly shippingMatrixIsCheaper: boolean;
}

/** The exact bytes of encrypted scoring, beside the trivial way. */
export function planScoring(workload: ScoringWorkload): ScoringPlan {
  const { parameters, items, dimensions, queriesPerVersion } = workload;
  assertHeParameters(parameters);
  for (const [name, value] of Object.entries({ items, dimensions, queriesPerVersion })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
    }
  }
  const queryBytes = messageBytes(parameters, dimensions);
  const replyBytes = messageBytes(parameters, blockCount(parameters, items));
  const encryptedBytes = queriesPerVersion * (queryBytes + replyBytes);
  const matrixBytes = items * (dimensions + (workload.biases === true ? 4 : 0));
  return {
    queryBytes,
    replyBytes,
    encryptedBytes,
    matrixBytes,
    shippingMatrixIsCheaper: matrixBytes < encryptedBytes,
  };
}
