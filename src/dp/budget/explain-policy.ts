import { describeEvent } from '../accounting/describe-event.ts';
import type { EpochLength } from './epoch.ts';
import { type BudgetPolicy, type Currency, currencyNameOf, type ScenePolicy } from './policy.ts';

const CURRENCIES = {
  gdp: 'exact Gaussian accounting (GDP)',
  zcdp: 'zero-concentrated accounting (zCDP)',
  rdp: 'Rényi accounting (RDP) at orders pinned in advance',
} as const satisfies Record<Currency, string>;

const EPOCHS = {
  P1D: 'calendar day',
  P1W: 'calendar week',
  P1M: 'calendar month',
  P3M: 'quarter of a year',
  P1Y: 'calendar year',
} as const satisfies Record<EpochLength, string>;

/** What "for life" becomes where the budget renews, and the words that a limit needs beside it. */
interface Period {
  readonly guarantee: string;
  /** Put behind numbers that are counted for each epoch. */
  readonly each: string;
}

function periodOf(policy: BudgetPolicy): Period {
  if (policy.epoch === undefined) return { guarantee: 'for life', each: '' };
  const epoch = EPOCHS[policy.epoch.length];
  return { guarantee: `for each ${epoch} of their data`, each: ` for each ${epoch} of data` };
}

function sceneSentence(name: string, scene: ScenePolicy, most: number, { each }: Period): string {
  const subject = name === 'default' ? 'Every other scene' : `Scene "${name}"`;
  const rules: string[] = [];
  if (scene.perUser !== undefined) {
    const { epsilon } = scene.perUser;
    rules.push(
      epsilon > most
        ? `at most epsilon ${epsilon} a user, which never binds under the total`
        : `at most epsilon ${epsilon} a user`,
    );
  }
  if (scene.worstCase !== undefined) {
    rules.push(`at most epsilon ${scene.worstCase.epsilon} for someone present in every release`);
  }
  if (scene.maxReleases !== undefined) rules.push(`at most ${scene.maxReleases} releases${each}`);
  if (scene.minAggregationInterval !== undefined) {
    rules.push(`at least ${scene.minAggregationInterval} between two releases`);
  }
  return `${subject}: ${rules.length === 0 ? 'no quota of its own' : rules.join('; ')}.`;
}

function groupSentences(policy: BudgetPolicy): readonly string[] {
  return Object.entries(policy.groups ?? {}).map(([name, { user }]) =>
    user.epsilon === 0
      ? `Accounts in the group "${name}": nothing may be released about them.`
      : `Accounts in the group "${name}": epsilon ${user.epsilon} in place of ${policy.user.epsilon}.`,
  );
}

function epochSentences({ epoch }: BudgetPolicy): readonly string[] {
  if (epoch === undefined) return [];
  return [
    `The budget renews with the data, not with time passing: data belongs to the ${EPOCHS[epoch.length]} (UTC) that its field "${epoch.timeField}" names, and a release is charged in every one whose data it reads.`,
    'A release that reads several of them must have noise for what the data of one can change, which clipping all of them together does not give.',
    'What adds up about a person over several of them has no limit; it is shown beside each.',
  ];
}

function currencySentences(policy: BudgetPolicy): readonly string[] {
  const lines = [
    `It is enforced by ${CURRENCIES[currencyNameOf(policy)]}, before anything is released.`,
  ];
  if (policy.plannedRun !== undefined) {
    lines.push(
      `Each limit is counted at the order that suits the planned run best: ${describeEvent(policy.plannedRun)}.`,
      'Releases of another shape than the planned run are admitted too, but may use up a limit sooner.',
    );
  }
  return lines;
}

/** A policy in sentences, for the people who have to agree to it. */
export function explainPolicy(policy: BudgetPolicy): string {
  const additive = policy.additiveDelta ?? 0;
  const period = periodOf(policy);
  const groups = Object.values(policy.groups ?? {});
  const most = Math.max(policy.user.epsilon, ...groups.map(({ user }) => user.epsilon));
  const lines = [
    `Guarantee: over all scenes together, everything released about one user stays within epsilon ${policy.user.epsilon} at delta ${policy.delta}, ${period.guarantee}.`,
    ...groupSentences(policy),
    ...epochSentences(policy),
    ...currencySentences(policy),
    'What follows are quotas under the guarantee; by themselves they guarantee nothing, because scenes may learn from each other.',
    ...Object.entries(policy.scenes)
      .sort(([a], [b]) => Number(a === 'default') - Number(b === 'default'))
      .map(([name, scene]) => sceneSentence(name, scene, most, period)),
  ];
  if (!Object.hasOwn(policy.scenes, 'default'))
    lines.push('No other scene is known; all are refused.');
  for (const [name, { epsilon }] of Object.entries(policy.models ?? {})) {
    lines.push(`Model "${name}": at most epsilon ${epsilon} a user, over all scenes that feed it.`);
  }
  if (additive > 0) {
    lines.push(
      `Of delta, ${additive} is set aside for what releases spend by themselves; epsilons hold at the remaining ${policy.delta - additive}.`,
    );
  }
  lines.push(
    `A reservation that is neither committed nor given back within ${policy.reservationLease} counts as spent.`,
  );
  return lines.join('\n');
}
