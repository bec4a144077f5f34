import { dpHistogram } from '../../dp/mechanisms/index.ts';
import {
  type AuditCost,
  type AuditedPerson,
  type AuditOutcome,
  type AuditTerms,
  chargedRelease,
} from './charged-audit.ts';
import {
  type NoisyCount,
  type NoisyShare,
  shareOf,
  simultaneousQuantile,
  sumOf,
} from './noisy-share.ts';

/** Two profiles that differ in nothing but a sensitive attribute, and what is made of them. */
export interface PairedQuestion<P> {
  readonly change: (profile: P) => P;
  /** A score, or a price: larger is better for the person, or worse, as the reader knows. */
  readonly decide: (profile: P) => number;
  /** Differences up to that count as none; at least 0. */
  readonly tolerance: number;
}

/** What changing the attribute changed. */
export interface PairedTest {
  readonly pairs: number;
  /** Pairs in which the changed profile got more, and less, beyond the tolerance. */
  readonly more: number;
  readonly less: number;
  readonly meanDifference: number;
  /** The largest difference, whatever its sign. */
  readonly largestDifference: number;
  /**
   * Sign test: how likely a split as uneven as this is when a change is as likely to help as to harm. 1 when
   * nothing changed. A function that answers equally every time treats pairs unequally as soon as one differs.
   */
  readonly pValue: number;
}

/**
 * Runs a decision on pairs of near-identical profiles that differ in a sensitive attribute, such as the old and
 * the new user of a price, and compares.
 *
 * ## Privacy
 * For made-up or public profiles only: it answers exactly. For people: {@link pairedTestOnPeople}.
 *
 * @param profiles - made up, or declared public
 * @throws RangeError without profiles, or when the decision is no number
 */
export function pairedTest<P>(profiles: readonly P[], question: PairedQuestion<P>): PairedTest {
  if (profiles.length === 0) throw new RangeError('"profiles" expected at least one');
  const differences = profiles.map((profile) => differenceOf(profile, question));
  if (!differences.every(Number.isFinite)) {
    throw new RangeError('"decide" expected to answer finite numbers');
  }
  const { tolerance } = question;
  const more = differences.filter((difference) => difference > tolerance).length;
  const less = differences.filter((difference) => difference < -tolerance).length;
  return {
    pairs: profiles.length,
    more,
    less,
    meanDifference: differences.reduce((sum, d) => sum + d, 0) / profiles.length,
    largestDifference: differences.reduce((far, d) => (Math.abs(d) > Math.abs(far) ? d : far), 0),
    pValue: signTest(more, less),
  };
}

/** A person and the profile that the decision reads. */
export interface PairedPerson<P> extends AuditedPerson {
  readonly profile: P;
}

/** Noisy shares of people to whom the attribute would make a difference. */
export interface PairedAudit extends AuditCost {
  readonly more: NoisyShare;
  readonly less: NoisyShare;
  readonly confidence: number;
}

/**
 * The same on real people: how many of them would get more, or less, if they had the other value.
 *
 * ## Privacy
 * Unit: user; relation as given. Each person counts in one of three cells: costs everybody given
 * `gaussian{noiseMultiplier}`.
 *
 * @throws {VelaturaError} as `auditGroups`
 */
export async function pairedTestOnPeople<P>(
  people: readonly PairedPerson<P>[],
  question: PairedQuestion<P>,
  terms: AuditTerms,
): Promise<AuditOutcome<PairedAudit>> {
  const { tolerance } = question;
  const cellOf = ({ profile }: PairedPerson<P>): string => {
    const difference = differenceOf(profile, question);
    // What is no number is no difference, rather than an error that tells of one person.
    return difference > tolerance ? 'more' : difference < -tolerance ? 'less' : 'same';
  };
  const outcome = await chargedRelease(terms, people, ['one of three cells a person'], (random) =>
    dpHistogram(
      people.map((person) => [cellOf(person)]),
      {
        relation: terms.relation,
        categories: ['more', 'less', 'same'],
        maxCategories: 1,
        noise: { kind: 'gaussian', noiseMultiplier: terms.noiseMultiplier },
        random,
      },
    ),
  );
  if (outcome.kind === 'refused') return outcome;
  const { value, error } = outcome.release;
  const [more, less, same] = Array.from(value, (count) => ({
    value: count,
    stddev: error.noiseStddev,
  })) as [NoisyCount, NoisyCount, NoisyCount];
  const z = simultaneousQuantile(terms.confidence, 2);
  return {
    kind: 'released',
    audit: {
      ...outcome.cost,
      more: shareOf(more, sumOf([less, same]), z),
      less: shareOf(less, sumOf([more, same]), z),
      confidence: terms.confidence,
    },
  };
}

function differenceOf<P>(profile: P, { change, decide, tolerance }: PairedQuestion<P>): number {
  if (!(tolerance >= 0)) {
    throw new RangeError(`"tolerance" expected a number of at least 0, got ${tolerance}`);
  }
  return decide(change(profile)) - decide(profile);
}

/** Two-sided exact binomial test of more against less, with summands in logarithms. */
function signTest(more: number, less: number): number {
  const n = more + less;
  if (n === 0) return 1;
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(more, less); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
