import { capitalised, count, epsilon, metric, milliseconds } from '../report/format.ts';
import { type Html, html, trusted } from '../report/html.ts';
import { type Chapter, chapterMarkup, meter } from '../report/section.ts';
import { STYLE } from '../report/style.ts';
import { budgetChapter } from './report/budget.ts';
import { explanationChapter } from './report/explanation.ts';
import { guaranteesChapter } from './report/guarantees.ts';
import { peopleChapter } from './report/people.ts';
import { portrait } from './report/portrait.ts';
import { scoringChapter } from './report/scoring.ts';
import { METHOD_NAMES, trainingChapter } from './report/training.ts';
import { utilityChapter } from './report/utility.ts';
import type { QuickstartResult } from './result.ts';

/**
 * The report of a quickstart: one HTML page without scripts that asks no server for anything.
 *
 * Names of tags, items and scenes are escaped, numbers are rounded, bounds are rounded up.
 *
 * @returns the whole document
 */
export async function renderReport(result: QuickstartResult): Promise<string> {
  const chapters = await Promise.all([
    peopleChapter(result.data),
    trainingChapter(result.scenes, result.limits, result.data.evaluation),
    budgetChapter(result),
    utilityChapter(result.sweep),
    scoringChapter(result.scoring),
    explanationChapter(result.explanation),
    guaranteesChapter(result),
  ]);
  const page = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Velatura quickstart: portraits without collecting people</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
${hero(result)}
${contents(chapters)}
<main>${chapters.map(chapterMarkup)}</main>
${footer()}
</body>
</html>`;
  return `<!doctype html>\n${page.markup}\n`;
}

function hero(result: QuickstartResult): Html {
  const { budget, seconds } = result;
  return html`<header class="hero"><div class="opening">
<div>
<p class="eyebrow">Velatura quickstart</p>
<h1>Portraits without collecting the people</h1>
<p class="lead">A shop wants to know what its customers will like. This run learnt it on the clients of ${count(budget.accounts)} of them, asked a privacy budget before each use of their data, and recommended from a profile that the server never saw. It took ${count(Math.ceil(seconds))} seconds on this computer, on the orders of a real shop.</p>
</div>
${portrait()}
</div>
${headlines(result)}
</header>`;
}

/** The four figures to remember. */
function headlines({ data, budget, limits, scenes, scoring }: QuickstartResult): Html {
  const scene = scenes.find(({ method }) => method === 'fedavg') ?? scenes[0];
  const tiles = [
    tile(
      count(data.customers),
      'customers',
      html`${count(data.clients)} clients and ${count(data.evaluation)} in a public evaluation set`,
    ),
    tile(
      html`ε ${epsilon(budget.epsilonMax)}`,
      'spent at most',
      html`of ${epsilon(limits.user)} that one person may spend over all scenes${meter(budget.epsilonMax / limits.user, 'ultramarine')}`,
    ),
    scene === undefined
      ? null
      : tile(
          metric(scene.metrics.precisionAt3),
          'precision@3',
          html`${capitalised(scene.scene)}, ${METHOD_NAMES[scene.method]}; popularity alone has ${metric(scene.baselines.popularity.precisionAt3)}${meter(scene.metrics.precisionAt3, 'ultramarine')}${meter(scene.baselines.popularity.precisionAt3, 'slate')}`,
        ),
    tile(
      count(scoring.items),
      'items scored blind',
      html`under encryption, by the server in ${milliseconds(scoring.serverMs)}`,
    ),
  ];
  return html`<ul class="tiles">${tiles}</ul>`;
}

function tile(figure: Html | string, name: string, detail: Html): Html {
  return html`<li><span class="figure">${figure}</span><span class="name">${name}</span><span class="detail">${detail}</span></li>`;
}

function contents(chapters: readonly Chapter[]): Html {
  return html`<nav aria-label="Chapters"><ol>${chapters.map(
    ({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`,
  )}</ol></nav>`;
}

function footer(): Html {
  return html`<footer>
<p><b>Data.</b> “Online Retail” by Daqing Chen, UCI Machine Learning Repository, 2015, <a href="https://doi.org/10.24432/C5BW33" rel="noreferrer">doi:10.24432/C5BW33</a>, licensed under CC BY 4.0, modified: reduced to tags, scenes and profiles.</p>
<p><b>This page</b> holds everything it shows. It runs no scripts and loads nothing. Clients, aggregator, budget and scoring server ran as separate objects in one process on one computer.</p>
</footer>`;
}
