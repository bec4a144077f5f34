import { COLORS } from '../../report/chart-parts.ts';
import { count, counted, epsilon, metric, readableName, smallBound } from '../../report/format.ts';
import { figure, html, type LegendEntry, legend, table } from '../../report/html.ts';
import { type Chapter, more } from '../../report/section.ts';
import { responsive } from '../../report/svg.ts';
import type { SweepMethod, UtilitySweep } from '../result.ts';
import { utilityCurve } from './chart-utility.ts';
import { METHOD_NAMES } from './training.ts';

/** Words for what the sweep compares. */
const SWEEP_NAMES: Readonly<Record<SweepMethod, string>> = {
  ...METHOD_NAMES,
  'one-shot-without-prior': 'one upload each, nothing known before',
};

/** The label that must stand beside every figure of a simulation. */
const SIMULATION = 'simulation on public data';

/** What more or less privacy would have bought. */
export async function utilityChapter(sweep: UtilitySweep): Promise<Chapter> {
  const { points, popularity, ownHistory, repeats, scene } = sweep;
  const methods = [...new Set(points.map(({ method }) => method))];
  const entries: LegendEntry[] = [
    ...methods.map(
      (method): LegendEntry => ({
        name: SWEEP_NAMES[method],
        color: COLORS[method],
        shape: method === 'fedavg' ? 'dot' : 'square',
      }),
    ),
    { name: 'popularity', value: metric(popularity), color: COLORS.popularity, shape: 'dots' },
    {
      name: 'own history + popularity',
      value: metric(ownHistory),
      color: COLORS.ownHistory,
      shape: 'dashes',
    },
  ];
  return {
    id: 'utility',
    short: 'Trade-off',
    title: 'What does privacy cost?',
    lead: 'A smaller ε protects more and teaches less. The curve shows how much less, so that a limit can be chosen with open eyes.',
    body: html`
${figure({
  title: `Precision@3 against ε (${readableName(scene)})`,
  badge: SIMULATION,
  legend: legend(entries),
  drawing: await responsive(
    utilityCurve(points, [
      { value: popularity, color: COLORS.popularity, dash: [2, 3] },
      { value: ownHistory, color: COLORS.ownHistory, dash: [7, 3] },
    ]),
  ),
  note: `Points are means over ${counted(repeats, 'draw')} of the noise, error bars one standard deviation to either side. The points at ∞ were trained without noise and are non-private. The scale does not begin at zero.`,
})}
<p>Nothing of this was charged to anybody, because the data is declared public. On real people each point and each repetition would cost its ε. That a flat curve is possible at all is due to the public start: people go on buying what they bought, and only the rest is learnt. The method that knows nothing before shows what ε buys then. A curve under the line of own history + popularity says: at that ε, do not learn, use the simple rule.</p>
${more(
  'The curve in numbers',
  table({
    caption: `Precision@3 against ε (${SIMULATION})`,
    columns: [
      { name: 'Method' },
      { name: 'ε', number: true },
      { name: 'Mean', number: true },
      { name: 'Deviation', number: true },
      { name: 'Draws', number: true },
    ],
    rows: points.map(({ method, epsilon: value, mean, sd }) => [
      SWEEP_NAMES[method],
      Number.isFinite(value) ? epsilon(value) : `${epsilon(value)} (non-private)`,
      metric(mean),
      sd > 0 && sd < 0.001 ? smallBound(sd) : metric(sd),
      count(repeats),
    ]),
  }),
)}`,
  };
}
