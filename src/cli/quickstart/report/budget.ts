import { COLORS } from '../../report/chart-parts.ts';
import {
  capitalised,
  count,
  counted,
  epsilon,
  smallBound,
  threeDigits,
} from '../../report/format.ts';
import { facts, figure, type Html, html, table } from '../../report/html.ts';
import { type Chapter, meter } from '../../report/section.ts';
import { responsive } from '../../report/svg.ts';
import type { QuickstartResult } from '../result.ts';
import { spentHistogram } from './chart-budget.ts';

/** What everybody has spent, and that nobody passed a limit. */
export async function budgetChapter({ budget, limits }: QuickstartResult): Promise<Chapter> {
  const { histogram, accounts, epsilonMax } = budget;
  const drawn = histogram.counts.reduce((sum, number) => sum + number, 0);
  const kept = epsilonMax <= limits.user;
  return {
    id: 'budget',
    short: 'Budget',
    title: 'The budget',
    lead: `Before each release the budget is asked, for every account in it. ${
      kept
        ? `The most that any account has spent is ε ${epsilon(epsilonMax)}, of ${epsilon(limits.user)} allowed.`
        : `An account has spent ε ${epsilon(epsilonMax)}, more than the ${epsilon(limits.user)} allowed: do not trust this run.`
    }`,
    body: html`
<p>Read <dfn>ε</dfn> (epsilon) as a bound on gossip. Whatever is published from these sums, no conclusion gets more than e<sup>ε</sup> times likelier or less likely because of what one person did; at the limit of ${epsilon(limits.user)} that is ${threeDigits(Math.exp(limits.user))} times. <dfn>δ</dfn> (delta) is the small probability set aside for exceptions.</p>
${facts([
  ['limit of a person, all scenes', html`ε ${epsilon(limits.user)}`],
  ['at δ', smallBound(limits.delta)],
  ['accounts', count(accounts)],
  ['mean ε spent', epsilon(budget.epsilonMean)],
  ['highest ε spent', epsilon(epsilonMax)],
])}
${figure({
  title: 'How much has been spent, over all scenes together',
  drawing: await responsive(spentHistogram(histogram, limits.user)),
  note: `Accounts stand in a few groups because the charge follows enrolment, not behaviour: who is a member pays, active or not, so that neither a balance nor a refusal tells anything about what a person did.${
    accounts > drawn
      ? ` ${counted(accounts - drawn, 'account')} spent nothing and ${accounts - drawn === 1 ? 'is' : 'are'} not drawn.`
      : ''
  }`,
})}
${table({
  caption: 'Spent in each scene, by an account that was in every release of it',
  columns: [
    { name: 'Scene' },
    { name: 'ε spent', number: true },
    { name: 'ε allowed', number: true },
    { name: 'Used', number: true },
  ],
  rows: Object.entries(budget.epsilonByScene).map(([scene, spent]) => {
    const allowed = limits.scenes[scene] ?? limits.user;
    return [
      capitalised(scene),
      epsilon(spent),
      epsilon(allowed),
      meter(spent / allowed, COLORS.private),
    ];
  }),
})}
<p class="note">The ε of several scenes do not simply add up: their releases are composed at a Rényi order pinned in advance, and the total is less than the sum. The total per person is the guarantee; the limits of the scenes are quotas under it.</p>
${chainCard(budget.logEntries, budget.head)}
<p>The budget outlives the run. Start the quickstart once more into the same folder and it will be refused: this data has been spent.</p>`,
  };
}

function chainCard(entries: number, head: string): Html {
  const groups = head.match(/.{1,8}/gsu) ?? [];
  return html`<div class="card chain">
<h3>Nothing can be taken back quietly</h3>
<p>Every decision is an entry in a log in which each entry seals the one before. After ${counted(entries, 'entry', 'entries')} its head is</p>
<p class="hash"><code>${groups.map((group) => html`<span>${group}</span>`)}</code></p>
<p class="note">Keep a copy of it elsewhere: if the file is ever replaced by an older one, the heads will differ.</p>
</div>`;
}
