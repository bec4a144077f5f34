import { count, epsilon, percent, smallBound } from '../../report/format.ts';
import { html, table } from '../../report/html.ts';
import type { Chapter } from '../../report/section.ts';
import { COLLUDING_SHARE, DROPPING_SHARE } from '../policy.ts';
import type { QuickstartResult } from '../result.ts';

/** What the run proves to whom, and what it does not. */
export function guaranteesChapter({ limits, scoring }: QuickstartResult): Chapter {
  return {
    id: 'guarantees',
    short: 'Guarantees',
    title: 'What is guaranteed, and what is not',
    lead: 'A claim of privacy is worth what it says about its limits.',
    body: html`
<div class="pair">
<div class="card yes"><h3>Guaranteed</h3><ul>
<li><b>A bound per person.</b> Over all scenes together, ε ${epsilon(limits.user)} at δ ${smallBound(limits.delta)} bounds what the published models and noisy counts can tell about what one client did. It holds whatever a reader knows already, and whatever is computed from the models later.</li>
<li><b>No release without asking.</b> The budget is asked before, books for everybody or for nobody, and counts a run that broke off as spent.</li>
<li><b>Real noise.</b> Drawn as exact integers from the operating system's secure generator; it cannot be repeated.</li>
<li><b>Baselines pay too.</b> The popularity count came out of the same budget.</li>
<li><b>Rounds that hide their members.</b> Each federated round ran through SecAgg+: its server learns the sum of all updates, noise included, and who took part; no single update, as long as it keeps to the protocol and at most ${percent(COLLUDING_SHARE)} of the members work with it. The members add the noise themselves, enough of it even if ${percent(COLLUDING_SHARE + DROPPING_SHARE)} are silent or tell theirs.</li>
<li><b>A blind server.</b> It scored ${count(scoring.items)} items from ciphertexts and had no key. The key lived for one query.</li>
</ul></div>
<div class="card no"><h3>Not guaranteed</h3><ul>
<li><b>Against whoever adds up the rest.</b> The popularity count and the model of one upload were summed in the clear: there the server is trusted and sees each contribution before the noise. And in this run server and members were objects in one process.</li>
<li><b>Against a server that lies</b> about who is left in a round: members here did not sign the list of survivors to each other, which the library can do.</li>
<li><b>That somebody is a member.</b> Who is enrolled in a scene is taken as public. What a member did is protected.</li>
<li><b>Facts about the many.</b> If people like you buy candles, the model says so, whether or not you took part.</li>
<li><b>The rest of this page.</b> The evaluation set is declared public. What is labelled non-private or a simulation, the exact counts of chapter 1 and the customer of chapters 5 and 6 have no protection either. They can be shown because this data is public.</li>
<li><b>One person with many accounts</b> has many budgets. Whoever enrols accounts has to prevent that.</li>
<li><b>Side channels:</b> how long a sampler takes, how long a message is, when a client joins, that a query was made.</li>
<li><b>Truth.</b> A tag is a guess. A protected guess is still a guess.</li>
</ul></div>
</div>
${table({
  caption: 'Who learns what from a federated round',
  columns: [{ name: 'Who' }, { name: 'Learns' }, { name: 'Does not learn' }],
  rows: [
    [
      'Its server',
      'who took part; the noisy sum, bounded by ε',
      'any single update, or the sum without noise',
    ],
    ['Other members', 'the model after each round, bounded by ε', 'what anybody sent'],
    ['Readers of the model', 'the model, bounded by ε', 'who did what, or who was silent'],
  ],
})}
<p>The exact statement of each model stands in chapter 2. The whole threat model is in <code>docs/privacy-model.md</code>.</p>`,
  };
}
