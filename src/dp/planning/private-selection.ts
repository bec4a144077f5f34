import { throwIfAborted } from '../../core/errors.ts';
import { uniformInteger } from '../../core/random-source.ts';
import type { SecureRandom } from '../../core/secure-random.ts';
import type { SelectionRuns } from '../event.ts';
import { sampleSelectionRuns } from './private-selection-runs.ts';

/** What {@link selectPrivately} chooses from, and how. */
export interface PrivateSelectionOptions<Candidate, Result> {
  /** Settings to choose from, fixed without looking at data. */
  readonly candidates: readonly Candidate[];
  /** The law of the number of runs. */
  readonly runs: SelectionRuns;
  /** Trains and evaluates with one setting, with noise of its own every time. What it returns is released if it wins. */
  readonly run: (candidate: Candidate) => Result | Promise<Result>;
  /** How good a result is, from nothing but the result; the greatest wins. */
  readonly score: (result: Result) => number;
  /** Draws how often and with which settings to run. */
  readonly random: SecureRandom;
  /** Stops between two runs. What makes it fire must not depend on data. */
  readonly signal?: AbortSignal;
  /** Told why a run came to nothing; what it hears must not be released. */
  readonly onError?: (error: unknown) => void;
}

/** The winner. Everything in it is covered by the event, and nothing else about the search is. */
export interface PrivateSelection<Candidate, Result> {
  readonly candidate: Candidate;
  readonly result: Result;
  readonly score: number;
}

/**
 * Searches settings at the price of a few runs, whatever their number: runs a hidden number of times with a setting
 * drawn afresh each time, and releases only the best by its private score.
 *
 * A run that throws, or whose score is no number, loses: that one failed may depend on data. The first of several
 * best wins.
 *
 * ## Privacy
 * Costs `{ kind: 'repeat-and-select', runs, event }` under the relation of `event`, which must bound one run with
 * **any** of the candidates, its score included. Book it before the search; give the runs themselves no budget, for
 * a balance that moves with every run tells how many there were. How long the search takes, what it sends and what
 * it logs must stay as hidden as the runs that lost: none of it is covered. Accountants by Rényi curve (`rdp`, and
 * `pld` through it) and budgets in that currency know the event; `gdp` and `zcdp` refuse it.
 *
 * Source: Papernot & Steinke, Hyperparameter tuning with Rényi differential privacy (2022); argument in
 * `src/dp/accounting/rdp/private-selection.proof.md`.
 *
 * @returns the winner; null when no run was drawn (Poisson only) or all came to nothing
 * @throws {VelaturaError} `core/aborted`, `dp/invalid-parameter`, `dp/unsupported-event`
 */
export async function selectPrivately<Candidate, Result>(
  options: PrivateSelectionOptions<Candidate, Result>,
): Promise<PrivateSelection<Candidate, Result> | null> {
  const { candidates, runs, run, score, random, signal, onError } = options;
  if (candidates.length === 0) throw new RangeError('"candidates" expected at least one, got 0');
  let best: PrivateSelection<Candidate, Result> | null = null;
  for (let left = sampleSelectionRuns(runs, random); left > 0; left--) {
    throwIfAborted(signal);
    const candidate = candidates[uniformInteger(random, candidates.length)] as Candidate;
    try {
      const result = await run(candidate);
      const own = score(result);
      if (own > (best?.score ?? Number.NEGATIVE_INFINITY)) best = { candidate, result, score: own };
    } catch (error) {
      throwIfAborted(signal);
      onError?.(error);
    }
  }
  return best;
}
