import { count, epsilon, smallBound } from '../../report/format.ts';
import { html } from '../../report/html.ts';
import type { Chapter } from '../../report/section.ts';
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
<li><b>A blind server.</b> It scored ${count(scoring.items)} items from ciphertexts and had no key. The key lived for one query.</li>
</ul></div>
<div class="card no"><h3>Not guaranteed</h3><ul>
<li><b>Against the one who adds.</b> In this run the sum is made in the clear, in one process: the aggregator is trusted and sees each update before the noise. The bound is one against readers of models and against other clients.</li>
<li><b>That somebody is a member.</b> Who is enrolled in a scene is taken as public. What a member did is protected.</li>
<li><b>Facts about the many.</b> If people like you buy candles, the model says so, whether or not you took part.</li>
<li><b>The rest of this page.</b> The evaluation set is declared public. What is labelled non-private or a simulation, the exact counts of chapter 1 and the customer of chapters 5 and 6 have no protection either. They can be shown because this data is public.</li>
<li><b>One person with many accounts</b> has many budgets. Whoever enrols accounts has to prevent that.</li>
<li><b>Side channels:</b> how long a sampler takes, how long a message is, when a client joins, that a query was made.</li>
<li><b>Truth.</b> A tag is a guess. A protected guess is still a guess.</li>
</ul></div>
</div>
<p>The exact statement of each model stands in chapter 2. The whole threat model is in <code>docs/privacy-model.md</code>.</p>`,
  };
}
