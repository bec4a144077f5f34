import type { BudgetPolicy, ScenePolicy } from './policy.ts';

const CURRENCIES = {
  auto: 'exact Gaussian accounting (GDP)',
  gdp: 'exact Gaussian accounting (GDP)',
  zcdp: 'zero-concentrated accounting (zCDP)',
  rdp: 'Rényi accounting (RDP)',
} as const satisfies Record<BudgetPolicy['currency'], string>;

function sceneSentence(name: string, scene: ScenePolicy, total: number): string {
  const subject = name === 'default' ? 'Every other scene' : `Scene "${name}"`;
  const rules: string[] = [];
  if (scene.perUser !== undefined) {
    const { epsilon } = scene.perUser;
    rules.push(
      epsilon > total
        ? `at most epsilon ${epsilon} a user, which never binds under the total`
        : `at most epsilon ${epsilon} a user`,
    );
  }
  if (scene.worstCase !== undefined) {
    rules.push(`at most epsilon ${scene.worstCase.epsilon} for someone present in every release`);
  }
  if (scene.maxReleases !== undefined) rules.push(`at most ${scene.maxReleases} releases`);
  if (scene.minAggregationInterval !== undefined) {
    rules.push(`at least ${scene.minAggregationInterval} between two releases`);
  }
  return `${subject}: ${rules.length === 0 ? 'no quota of its own' : rules.join('; ')}.`;
}

/** A policy in sentences, for the people who have to agree to it. */
export function explainPolicy(policy: BudgetPolicy): string {
  const additive = policy.additiveDelta ?? 0;
  const lines = [
    `Guarantee: over all scenes together, everything released about one user stays within epsilon ${policy.user.epsilon} at delta ${policy.delta}, for life.`,
    `It is enforced by ${CURRENCIES[policy.currency]}, before anything is released.`,
    'What follows are quotas under the guarantee; by themselves they guarantee nothing, because scenes may learn from each other.',
    ...Object.entries(policy.scenes)
      .sort(([a], [b]) => Number(a === 'default') - Number(b === 'default'))
      .map(([name, scene]) => sceneSentence(name, scene, policy.user.epsilon)),
  ];
  if (!Object.hasOwn(policy.scenes, 'default'))
    lines.push('No other scene is known; all are refused.');
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
