import type { AccountantName, CertifiedInterval } from './accountant.ts';
import type { NeighbourRelation, PrivacyUnit } from './plan.ts';

/** What each adversary learns, one line each. */
export interface TrustModel {
  readonly server: string;
  readonly otherClients: string;
  readonly modelReaders: string;
}

/**
 * Everything a reader needs to judge a claim of differential privacy, after NIST SP 800-226 (March 2025).
 * Attached to every result; plain JSON.
 */
export interface PrivacyStatement {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /** Certified interval of epsilon; null when the result is not private at all. */
  readonly epsilon: CertifiedInterval | null;
  readonly delta: number;
  readonly accountant: AccountantName | 'none';
  readonly trustModel: TrustModel;
  /** What is assumed about one person holding many accounts. */
  readonly sybilAssumption: string;
  /** Public constants that bound the data, and that they were chosen without looking at it. */
  readonly bounds: readonly string[];
  readonly sideChannelsNotCovered: readonly string[];
  /** True when seeded noise was used: then nothing above protects anybody. */
  readonly insecure: boolean;
  /** Set when the run was a simulation on data declared public. */
  readonly simulation: string | null;
  /** What a careful reader should be told, such as a delta that is large for so few people. */
  readonly warnings: readonly string[];
}

/** Side channels that no release of this library covers. */
export const UNCOVERED_SIDE_CHANNELS: readonly string[] = [
  'the time a sampler takes',
  'the length of a message',
  'the time at which a client joins',
];

/** The statement in sentences, for a report or a model card. */
export function describeStatement(statement: PrivacyStatement): string {
  const lines: string[] = [];
  if (statement.simulation !== null) lines.push(`${statement.simulation}.`);
  if (statement.epsilon === null) {
    lines.push('This result is NOT private: no epsilon bounds what it reveals.');
  } else {
    const { lower, upper } = statement.epsilon;
    const shown = upper.toPrecision(4);
    const interval =
      lower === null
        ? `at most ${shown}`
        : lower === upper
          ? shown
          : `${lower.toPrecision(4)} to ${shown}`;
    lines.push(
      `Unit of protection: one ${statement.unit}; neighbours: ${statement.relation}.`,
      `Epsilon ${interval} at delta ${statement.delta} (${statement.accountant} accountant).`,
    );
  }
  if (statement.insecure) {
    lines.push('INSECURE: the noise came from a seeded generator and can be subtracted again.');
  }
  lines.push(...statement.warnings.map((warning) => `Warning: ${warning}.`));
  lines.push(
    `The server: ${statement.trustModel.server}`,
    `Other clients: ${statement.trustModel.otherClients}`,
    `Readers of the model: ${statement.trustModel.modelReaders}`,
    `Many accounts of one person: ${statement.sybilAssumption}`,
    `Bounds chosen without data: ${statement.bounds.join('; ') || 'none'}.`,
    `Not covered: ${statement.sideChannelsNotCovered.join('; ')}.`,
  );
  return lines.join('\n');
}
