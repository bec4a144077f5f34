import {
  bytes,
  count,
  metric,
  milliseconds,
  percent,
  readableName,
  smallBound,
} from '../../report/format.ts';
import { figure, type Html, html, table } from '../../report/html.ts';
import type { Chapter } from '../../report/section.ts';
import { small } from '../../report/svg.ts';
import type { ScoringSummary } from '../result.ts';
import { type ScorePair, scoreDifferences, scorePairs } from './chart-scoring.ts';

/** Points drawn; more would only make the page heavier. */
const SCATTER_POINTS = 260;

/** The catalogue, scored for one customer by a server that never saw the profile. */
export async function scoringChapter(scoring: ScoringSummary): Promise<Chapter> {
  const { items, dimensions, top, maxError, errorBound } = scoring;
  const pairs = sample(scoring.scatter);
  return {
    id: 'scoring',
    short: 'Encrypted scores',
    title: 'Scored without being seen',
    lead: `One customer's profile, ${count(dimensions)} numbers, is encrypted on the device. The server scores ${count(items)} items on the ciphertext in ${milliseconds(scoring.serverMs)} and learns neither the profile nor the scores.`,
    body: html`
${journey(scoring)}
${table({
  caption: `The ${count(top.length)} best items for this customer, after decryption on the device`,
  columns: [
    { name: 'Rank', number: true },
    { name: 'Item, and its tags' },
    { name: 'Score', number: true },
    { name: 'In the clear', number: true },
  ],
  rows: top.map((item) => [
    count(item.rank),
    html`<div class="item"><bdi title="article ${item.id}">${itemName(item.name)}</bdi>${tagList(item.tags)}</div>`,
    metric(item.score),
    metric(item.plainScore),
  ]),
})}
<p class="note">The last column was computed in the clear for comparison only. Of its best hundred, ${percent(scoring.recallAt100)} are among the best hundred under encryption.</p>
<div class="pair">
${figure({
  title: 'Encrypted against plain scores',
  drawing: await small(scorePairs(pairs), 330),
  note: `A sample of ${count(pairs.length)} of ${count(items)} items. On the diagonal nothing is lost.`,
})}
${figure({
  title: 'The difference, magnified',
  drawing: await small(scoreDifferences(pairs, errorBound), 330),
  note: html`The band is the bound on what encryption may add: ±${smallBound(errorBound)}; seen over all items: ${smallBound(maxError)}. The points also hold the rounding of profile and items to whole numbers, which the bound does not count.`,
})}
</div>
${maxError > errorBound ? html`<p class="refusal"><strong>The error seen is above its bound.</strong> That must not happen: do not trust this run.</p>` : null}
<p class="note">Parameters: <code>${scoring.parameters}</code>. Times are of this computer, once.</p>`,
  };
}

/** What goes where in an encrypted query. */
function journey(scoring: ScoringSummary): Html {
  return html`<ol class="journey">
<li><b>On the device</b> the profile is encrypted under a fresh key, in ${milliseconds(scoring.encryptMs)}.</li>
<li class="hop">${bytes(scoring.upBytes)} up</li>
<li><b>On the server</b> ${count(scoring.items)} items are multiplied with what it cannot read, in ${milliseconds(scoring.serverMs)}.</li>
<li class="hop">${bytes(scoring.downBytes)} down</li>
<li><b>On the device</b> the scores are decrypted and ranked, in ${milliseconds(scoring.decryptMs)}. The key is erased.</li>
</ol>`;
}

function tagList(tags: readonly string[]): Html {
  return html`<ul class="tags">${tags.map((tag) => html`<li><bdi>${readableName(tag)}</bdi></li>`)}</ul>`;
}

/** Names in the shop's file are all capitals; a page full of them is hard to read. */
function itemName(name: string): string {
  return name === name.toUpperCase() ? name.charAt(0) + name.slice(1).toLowerCase() : name;
}

/** Evenly over the range of scores, and always with the point that is worst off. */
function sample(scatter: readonly ScorePair[]): readonly ScorePair[] {
  const sorted = scatter
    .filter(({ plain, encrypted }) => Number.isFinite(plain) && Number.isFinite(encrypted))
    .sort((a, b) => a.plain - b.plain);
  if (sorted.length <= SCATTER_POINTS) return sorted;
  const error = ({ plain, encrypted }: ScorePair): number => Math.abs(encrypted - plain);
  const worst = sorted.reduce((a, b) => (error(b) > error(a) ? b : a));
  const step = (sorted.length - 1) / (SCATTER_POINTS - 1);
  const chosen = Array.from(
    { length: SCATTER_POINTS },
    (_, i) => sorted[Math.round(i * step)] as ScorePair,
  );
  return chosen.includes(worst) ? chosen : [...chosen, worst];
}
