/** What to attack. */
export interface MembershipQuestion<T> {
  /** Makes the release anew, with fresh noise, with or without the target in the data. */
  readonly release: (withTarget: boolean) => T;
  /** What the attacker makes of it; larger speaks for the target being in the data. */
  readonly score: (released: T) => number;
  /** Releases with and without the target, each; half of them set the threshold. */
  readonly trials: number;
  /** Of the bound on epsilon, in (0, 1). */
  readonly confidence: number;
  /** Delta of the claim that is attacked. */
  readonly delta: number;
}

/** How well the attacker told whether the target was in the data. */
export interface MembershipResult {
  /** True positive rate less false positive rate on fresh releases, in [−1, 1]; 0 is guessing. */
  readonly advantage: number;
  /**
   * With the confidence asked no mechanism of a smaller epsilon, at that delta, lets an attack be so right. A claim
   * below it is refuted.
   */
  readonly epsilonAtLeast: number;
}

/**
 * Attacks a release: guesses from it whether one person was in the data, and turns how often that is right into a
 * lower bound on epsilon.
 *
 * A bound above the claimed epsilon shows that the claim is wrong. One below shows nothing: a better attack may
 * exist.
 *
 * The bound: (ε, δ) allows TPR ≤ e^ε·FPR + δ, and the same of the complements. TPR and FPR are bounded by the
 * Chernoff–Hoeffding inequality, both at once, at a threshold chosen on other releases.
 *
 * @see M. Jagielski, J. Ullman, A. Oprea, "Auditing differentially private machine learning", 2020
 */
export function membershipAttack<T>(question: MembershipQuestion<T>): MembershipResult {
  const { release, score, trials, confidence, delta } = question;
  if (!Number.isInteger(trials) || trials < 4) {
    throw new RangeError(`"trials" expected an integer of at least 4, got ${trials}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`"confidence" expected a number in (0, 1), got ${confidence}`);
  }
  const scores = (withTarget: boolean, count: number): number[] =>
    Array.from({ length: count }, () => score(release(withTarget)));
  const half = trials >> 1;
  const threshold = bestThreshold(scores(true, half), scores(false, half));
  const fresh = trials - half;
  const over = (values: readonly number[]): number =>
    values.filter((value) => value >= threshold).length;
  const truePositives = over(scores(true, fresh));
  const falsePositives = over(scores(false, fresh));
  // Each of two rates is bounded on one side.
  const failure = (1 - confidence) / 2;
  const leastTrue = lowerBound(truePositives, fresh, failure);
  const mostFalse = 1 - lowerBound(fresh - falsePositives, fresh, failure);
  const epsilonAtLeast = Math.max(
    0,
    logRatio(leastTrue - delta, mostFalse),
    logRatio(1 - mostFalse - delta, 1 - leastTrue),
  );
  return { advantage: (truePositives - falsePositives) / fresh, epsilonAtLeast };
}

/** The threshold with the largest advantage. */
function bestThreshold(inside: readonly number[], outside: readonly number[]): number {
  const all = [
    ...inside.map((value) => ({ value, step: 1 })),
    ...outside.map((value) => ({ value, step: -1 })),
  ].sort((a, b) => b.value - a.value);
  let best = Number.POSITIVE_INFINITY;
  let most = 0;
  let sofar = 0;
  all.forEach(({ value, step }, i) => {
    sofar += step;
    if (sofar > most && all[i + 1]?.value !== value) [best, most] = [value, sofar];
  });
  return best;
}

/** Least p for which `hits` of n or more is not less likely than `failure`: n·KL(hits/n ‖ p) = ln(1/failure). */
function lowerBound(hits: number, n: number, failure: number): number {
  const rate = hits / n;
  const allowed = Math.log(1 / failure) / n;
  let [low, high] = [0, rate];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (divergence(rate, middle) > allowed) low = middle;
    else high = middle;
  }
  return low;
}

function divergence(q: number, p: number): number {
  const part = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  return part(q, p) + part(1 - q, 1 - p);
}

function logRatio(numerator: number, denominator: number): number {
  return numerator > 0 ? Math.log(numerator / denominator) : Number.NEGATIVE_INFINITY;
}
