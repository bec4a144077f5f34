import { percent, readableName, signed } from '../../report/format.ts';
import { figure, html, type LegendEntry, legend, lines } from '../../report/html.ts';
import { type Chapter, callout } from '../../report/section.ts';
import { responsive } from '../../report/svg.ts';
import type { TagExplanation } from '../result.ts';
import { type ExplanationBar, explanationBars } from './chart-explanation.ts';

/** A share of the log-odds too small to draw. */
const NEGLIGIBLE = 0.005;

/** Why one tag is in the profile, with what the noise may have done to it. */
export async function explanationChapter(explanation: TagExplanation): Promise<Chapter> {
  const { tag, probability, contributions, noiseHalfWidth, mayBeNoise } = explanation;
  const logit = Math.log(probability / (1 - probability));
  const known = Number.isFinite(logit) && Number.isFinite(noiseHalfWidth);
  const bars: ExplanationBar[] = contributions.map(({ feature, contribution }) => ({
    name: feature === '(constant)' ? 'starting point' : readableName(feature),
    value: contribution,
  }));
  const rest = logit - contributions.reduce((sum, { contribution }) => sum + contribution, 0);
  if (known && Math.abs(rest) > NEGLIGIBLE) bars.push({ name: 'everything else', value: rest });
  const entries: LegendEntry[] = [
    { name: 'speaks for the tag', color: 'ultramarine', shape: 'square' },
    { name: 'speaks against it', color: 'vermilion', shape: 'square' },
    {
      name: 'all together, with the interval of the privacy noise',
      color: 'ochre',
      shape: 'diamond',
    },
  ];
  return {
    id: 'why',
    short: 'Why this tag',
    title: 'Why this tag?',
    lead: html`The profile says <b><bdi>${readableName(tag)}</bdi></b> with a probability of ${percent(probability)}${
      known
        ? `. The noise that protects others leaves room for ${percent(sigmoid(logit - noiseHalfWidth))} to ${percent(sigmoid(logit + noiseHalfWidth))}`
        : ''
    }.`,
    body: html`
<p>${lines(explanation.text)}</p>
${figure({
  title: `What speaks for “${readableName(tag)}”, and what against it`,
  legend: legend(entries),
  drawing: await responsive(
    explanationBars(bars, known ? { value: logit, halfWidth: noiseHalfWidth } : null),
  ),
  note: `Bars are steps on the scale of log-odds: 0 is even odds, and one step more makes the odds 2.7 times better. Their sum is ${known ? signed(logit) : 'not shown'}.`,
})}
${callout(
  mayBeNoise ? 'This tag may be noise.' : 'More than noise.',
  mayBeNoise
    ? 'The interval of the privacy noise is wide enough to turn the answer around. A fair system says so, and does not act on such a tag alone.'
    : 'The interval of the privacy noise is too narrow to turn the answer around. It may still be wrong: it is a guess from past orders.',
)}
<p class="note">The person sees this on the own device. It is shown here because the data is public.</p>`,
  };
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
