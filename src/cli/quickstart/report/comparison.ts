import { COLORS } from '../../report/chart-parts.ts';
import { capitalised, count, epsilonColumn, metric } from '../../report/format.ts';
import { figure, type Html, html, legend, table } from '../../report/html.ts';
import { responsive } from '../../report/svg.ts';
import type { SceneResult } from '../result.ts';
import { methodComparison } from './chart-training.ts';

/** All scenes, all methods: the private models among what they have to beat. */
export async function comparison(
  scenes: readonly SceneResult[],
  evaluation: number,
): Promise<Html> {
  const methods = [
    { key: 'private', name: 'Private model' },
    { key: 'popularity', name: 'Popularity' },
    { key: 'ownHistory', name: 'Own history + popularity' },
    { key: 'nonPrivate', name: 'NOT private (no noise)' },
  ] as const;
  const rows = scenes.flatMap((scene) =>
    methods.map(({ key, name }) => ({
      scene: scene.scene,
      method: key,
      name,
      metrics: key === 'private' ? scene.metrics : scene.baselines[key],
      cost:
        key === 'private'
          ? epsilonColumn(scene.epsilon)
          : key === 'nonPrivate'
            ? 'unbounded'
            : 'paid for',
    })),
  );
  return html`
<h3>Is it any good?</h3>
<p>A learnt model has to beat two simple ones. <em>Popularity</em> suggests the same most common tags to everybody. <em>Own history + popularity</em> learns nothing and repeats what a person bought before. Both use one noisy count, which the budget paid for. The last line trains without noise: it is <strong>not private</strong>, and only here to show what privacy costs.</p>
${figure({
  title: 'Precision@3 by scene',
  legend: legend([
    { name: 'private model', color: COLORS.private, shape: 'dot' },
    { name: 'popularity', color: COLORS.popularity, shape: 'square' },
    { name: 'own history + popularity', color: COLORS.ownHistory, shape: 'triangle' },
    { name: 'NOT private', color: COLORS.nonPrivate, shape: 'hollow' },
  ]),
  drawing: await responsive(
    methodComparison(
      rows.map(({ scene, method, metrics }) => ({
        scene: capitalised(scene),
        method,
        precision: metrics.precisionAt3,
      })),
    ),
  ),
  note: `With ${count(evaluation)} people to measure on, differences of about 0.01 are within chance. The scale does not begin at zero.`,
})}
${table({
  caption: 'All metrics, on the public evaluation set',
  columns: [
    { name: 'Scene' },
    { name: 'Method' },
    { name: 'Precision@3', number: true },
    { name: 'Macro AUC', number: true },
    { name: 'NDCG@5', number: true },
    { name: 'ε', number: true },
  ],
  rows: rows.map(({ scene, method, name, metrics, cost }) => [
    html`<span class="${method === 'private' ? 'group' : 'again'}">${capitalised(scene)}</span>`,
    method === 'private' ? html`<b>${name}</b>` : name,
    method === 'private'
      ? html`<b>${metric(metrics.precisionAt3)}</b>`
      : metric(metrics.precisionAt3),
    metric(metrics.macroAuc),
    metric(metrics.ndcgAt5),
    cost,
  ]),
})}
<p class="note">The ε of a private model includes the popularity count of its scene. NOT private: no ε bounds what that model reveals.</p>`;
}
