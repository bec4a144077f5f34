import { dpHistogram } from '../../dp/mechanisms/index.ts';
import {
  type AuditCost,
  type AuditedPerson,
  type AuditOutcome,
  type AuditTerms,
  chargedRelease,
} from './charged-audit.ts';
import {
  type Gap,
  gapOf,
  type NoisyCount,
  type NoisyShare,
  shareOf,
  simultaneousQuantile,
  sumOf,
} from './noisy-share.ts';

/** How a model or a decision treated one person. */
export interface JudgedPerson extends AuditedPerson {
  /** One of the groups; people of others are left out. As the person stated it for this audit. */
  readonly group: string;
  /** Probability that the model gave, in [0, 1]. */
  readonly score: number;
  /** What was decided, or the tag that was set. */
  readonly decision: boolean;
  /** What was true; null where nobody knows, and then it counts for parity only. */
  readonly outcome: boolean | null;
}

/** What to audit. */
export interface GroupAuditTerms extends AuditTerms {
  /** The groups, a public list of at least two. */
  readonly groups: readonly string[];
  /** Ascending edges of score bins inside (0, 1); a public list. Empty: no calibration. */
  readonly scoreEdges: readonly number[];
}

/** Shares of one group. */
export interface GroupRates {
  readonly group: string;
  /** P(decision). */
  readonly selected: NoisyShare;
  /** P(decision | outcome). */
  readonly truePositive: NoisyShare;
  /** P(decision | no outcome). */
  readonly falsePositive: NoisyShare;
  /** P(outcome | score in the bin), a bin each. */
  readonly calibration: readonly NoisyShare[];
}

/** How fairly several groups were treated, with what the answer cost. */
export interface GroupAudit extends AuditCost {
  readonly groups: readonly GroupRates[];
  /** Demographic parity: between the shares selected. */
  readonly parity: Gap;
  /** Smallest share selected over the largest, in [0, 1]; 1 is parity. */
  readonly impactRatio: NoisyShare;
  /** Equalised odds: between true positive rates, and between false positive rates. */
  readonly truePositive: Gap;
  readonly falsePositive: Gap;
  /** Between the outcomes of people of equal scores, in the worst bin. */
  readonly calibration: Gap;
  /** With which all intervals hold at once. */
  readonly confidence: number;
}

/**
 * Demographic parity, equalised odds and calibration of several groups, from one noisy table.
 *
 * The intervals are about these very people and cover the noise alone, all of them at once (Bonferroni); that
 * other people would give other shares is not in them.
 *
 * ## Privacy
 * Unit: user; relation as given. Each person counts in one cell of the table of decisions and outcomes and in one
 * of the table of scores, both noised together: costs everybody given `gaussian{noiseMultiplier}`. Empty cells
 * are noised like others. Everybody given is charged, also those of no group.
 *
 * @throws {VelaturaError} `dp/idempotency-conflict` for an audit id that was used before; `dp/insecure-release`,
 * `dp/delta-too-large`, `dp/invalid-parameter`; as `reserve` of the budget
 * @throws RangeError for terms out of range
 * @see M. Hardt, E. Price, N. Srebro, "Equality of opportunity in supervised learning", 2016
 */
export async function auditGroups(
  people: readonly JudgedPerson[],
  terms: GroupAuditTerms,
): Promise<AuditOutcome<GroupAudit>> {
  const { groups, scoreEdges, confidence } = terms;
  checkTerms(terms);
  const bins = scoreEdges.length === 0 ? 0 : scoreEdges.length + 1;
  const names = cellNames(groups.length, bins);
  const tables = bins === 0 ? 1 : 2;
  const bounds = [`one cell in each of ${tables} tables a person`];
  const outcome = await chargedRelease(terms, people, bounds, (random) =>
    dpHistogram(
      people.map((person) => cellsOf(person, groups, scoreEdges)),
      {
        relation: terms.relation,
        categories: names,
        maxCategories: tables,
        noise: { kind: 'gaussian', noiseMultiplier: terms.noiseMultiplier },
        random,
      },
    ),
  );
  if (outcome.kind === 'refused') return outcome;
  const { value, error } = outcome.release;
  const counts = new Map(names.map((name, i) => [name, value[i] as number]));
  const cell = (name: string): NoisyCount => ({
    value: counts.get(name) as number,
    stddev: error.noiseStddev,
  });
  const z = simultaneousQuantile(confidence, groups.length * (3 + bins));
  const rates = groups.map((group, g) => ratesOf(group, g, bins, cell, z));
  return {
    kind: 'released',
    audit: { ...outcome.cost, groups: rates, ...gapsOf(rates, bins), confidence },
  };
}

function ratesOf(
  group: string,
  g: number,
  bins: number,
  cell: (name: string) => NoisyCount,
  z: number,
): GroupRates {
  const decided = (decision: number): NoisyCount =>
    sumOf(['0', '1', '-'].map((outcome) => cell(`${g}/${decision}/${outcome}`)));
  return {
    group,
    selected: shareOf(decided(1), decided(0), z),
    truePositive: shareOf(cell(`${g}/1/1`), cell(`${g}/0/1`), z),
    falsePositive: shareOf(cell(`${g}/1/0`), cell(`${g}/0/0`), z),
    calibration: Array.from({ length: bins }, (_, bin) =>
      shareOf(cell(`${g}/bin ${bin}/1`), cell(`${g}/bin ${bin}/0`), z),
    ),
  };
}

function gapsOf(
  rates: readonly GroupRates[],
  bins: number,
): Pick<GroupAudit, 'parity' | 'impactRatio' | 'truePositive' | 'falsePositive' | 'calibration'> {
  const selected = rates.map((rate) => rate.selected);
  const byBin = Array.from({ length: bins }, (_, bin) =>
    gapOf(rates.map(({ calibration }) => calibration[bin] as NoisyShare)),
  );
  return {
    parity: gapOf(selected),
    impactRatio: impactRatio(selected),
    truePositive: gapOf(rates.map(({ truePositive }) => truePositive)),
    falsePositive: gapOf(rates.map(({ falsePositive }) => falsePositive)),
    calibration: worstGap(byBin),
  };
}

/** Over bins: the true worst gap is at least every low end and at most the largest high end. */
function worstGap(gaps: readonly Gap[]): Gap {
  const known = gaps.flatMap(({ value }) => value ?? []);
  return {
    value: gaps.length === 0 || known.length < gaps.length ? null : Math.max(...known),
    interval: {
      low: Math.max(0, ...gaps.map(({ interval }) => interval.low)),
      high: gaps.length === 0 ? 1 : Math.max(...gaps.map(({ interval }) => interval.high)),
    },
  };
}

function impactRatio(selected: readonly NoisyShare[]): NoisyShare {
  const least = (of: (share: NoisyShare) => number): number => Math.min(...selected.map(of));
  const most = (of: (share: NoisyShare) => number): number => Math.max(...selected.map(of));
  const values = selected.flatMap(({ value }) => value ?? []);
  const largest = Math.max(...values);
  const over = (part: number, whole: number): number => (whole > 0 ? Math.min(1, part / whole) : 1);
  const [leastLow, leastHigh] = [least((s) => s.interval.low), least((s) => s.interval.high)];
  const [mostLow, mostHigh] = [most((s) => s.interval.low), most((s) => s.interval.high)];
  return {
    value: values.length < selected.length || !(largest > 0) ? null : Math.min(...values) / largest,
    // When nobody is selected for sure, any ratio may be.
    interval: { low: mostHigh > 0 ? leastLow / mostHigh : 0, high: over(leastHigh, mostLow) },
  };
}

function cellNames(groups: number, bins: number): string[] {
  const names: string[] = [];
  for (let g = 0; g < groups; g++) {
    for (const decision of [0, 1]) {
      for (const outcome of ['0', '1', '-']) names.push(`${g}/${decision}/${outcome}`);
    }
    for (let bin = 0; bin < bins; bin++) {
      for (const outcome of [0, 1]) names.push(`${g}/bin ${bin}/${outcome}`);
    }
  }
  return names;
}

function cellsOf(
  { group, score, decision, outcome }: JudgedPerson,
  groups: readonly string[],
  edges: readonly number[],
): readonly string[] {
  const g = groups.indexOf(group);
  if (g < 0) return [];
  const known = outcome === null ? '-' : Number(outcome);
  const cells = [`${g}/${Number(decision)}/${known}`];
  // A score that is no number has no bin.
  if (outcome !== null && edges.length > 0 && score >= 0 && score <= 1) {
    cells.push(`${g}/bin ${edges.filter((edge) => score >= edge).length}/${Number(outcome)}`);
  }
  return cells;
}

function checkTerms({ groups, scoreEdges }: GroupAuditTerms): void {
  if (groups.length < 2 || new Set(groups).size !== groups.length) {
    throw new RangeError('"groups" expected at least two different names');
  }
  const ascending = scoreEdges.every(
    (edge, i) => edge > (i === 0 ? 0 : (scoreEdges[i - 1] as number)) && edge < 1,
  );
  if (!ascending) throw new RangeError('"scoreEdges" expected ascending numbers inside (0, 1)');
}
