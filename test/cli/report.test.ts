import { beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/cli/quickstart/report.ts';
import type { QuickstartResult } from '../../src/cli/quickstart/result.ts';
import {
  bytes,
  epsilon,
  epsilonColumn,
  metric,
  milliseconds,
  percent,
  signed,
  smallBound,
  threeDigits,
} from '../../src/cli/report/format.ts';
import { html, plainText, trusted } from '../../src/cli/report/html.ts';
import { exampleResult } from './report-fixture.ts';

/** Words as a reader sees them. */
const textOf = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ');

/** The first match with a little around it, so that a failure does not print the page. */
const found = (page: string, pattern: RegExp): string | null => {
  const at = page.search(pattern);
  return at < 0 ? null : page.slice(Math.max(0, at - 60), at + 60);
};

/** Every tag with the names of its attributes: the structure, without anything that was filled in. */
const skeletonOf = (page: string): string[] =>
  (page.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));

const NOT_A_NUMBER = /\b(NaN|Infinity|undefined|null)\b|\[object/;

describe('the report of a quickstart', () => {
  let page: string;
  let text: string;
  beforeAll(async () => {
    page = await renderReport(exampleResult());
    text = textOf(page);
  });

  it('is one document that asks nobody for anything and runs nothing', () => {
    expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(found(page, /<(script|link|img|iframe|object|embed|base|form)\b/i)).toBeNull();
    expect(found(page, /\s(src|srcset|on\w+|xlink:href)=/i)).toBeNull();
    expect(found(page, /@import|url\(|javascript:/i)).toBeNull();
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href);
    expect(links.filter((href) => !href.startsWith('#'))).toEqual([
      'https://doi.org/10.24432/C5BW33',
    ]);
    for (const href of links.filter((target) => target.startsWith('#'))) {
      expect(page).toContain(`id="${href.slice(1)}"`);
    }
  });

  it('stays under 600 kB with the scores of a whole catalogue', async () => {
    const result = exampleResult();
    const scatter = Array.from({ length: 3877 }, (_, i) => ({
      plain: i / 1000,
      encrypted: i / 1000 + (i === 1234 ? 0.0123 : 0.001),
    }));
    const large = await renderReport({ ...result, scoring: { ...result.scoring, scatter } });
    expect(Buffer.byteLength(large)).toBeLessThan(600_000);
    expect(textOf(large)).toContain('A sample of 261 of 3,877 items');
    expect(large, 'the worst point is drawn').toContain('at most 0.013 in this sample');
  });

  it('tells the story in seven chapters under one title', () => {
    expect(page.match(/<h1>/g)).toHaveLength(1);
    const chapters = [...page.matchAll(/<h2[^>]*>(.*?)<\/h2>/g)].map(([, title]) => title);
    expect(chapters).toEqual([
      'Who takes part',
      'Training on the clients',
      'The budget',
      'What does privacy cost?',
      'Scored without being seen',
      'Why this tag?',
      'What is guaranteed, and what is not',
    ]);
    const levels = [...page.matchAll(/<h([1-6])\b/g)].map(([, level]) => Number(level));
    levels.forEach((level, i) => {
      expect(level - (levels[i - 1] ?? 0), `heading ${i}`).toBeLessThanOrEqual(1);
    });
  });

  it('gives every drawing a text and every table a caption and headed rows', () => {
    const labels = [...page.matchAll(/class="chart" role="img" aria-label="([^"]*)"/g)];
    expect(labels).toHaveLength(page.match(/class="chart"/g)?.length ?? -1);
    for (const [, label = ''] of labels) expect(label.length).toBeGreaterThan(30);
    for (const [svg] of page.matchAll(/<svg[^>]*>/g)) expect(svg).toContain('aria-hidden="true"');
    const tables = [...page.matchAll(/<table>(.*?)<\/table>/gs)];
    expect(tables.length).toBeGreaterThanOrEqual(7);
    for (const [table] of tables) {
      expect(table).toMatch(/^<table><caption>[^<]+<\/caption>/);
      const rows = table.match(/<tr>/g)?.length ?? 0;
      expect(table.match(/scope="row"/g)?.length, table.slice(0, 80)).toBe(rows - 1);
    }
  });

  it('draws with colours of the page, so that light and dark both work', () => {
    const drawings = [...page.matchAll(/<svg.*?<\/svg>/gs)].map(([svg]) => svg).join('');
    const colours = new Set(
      [...drawings.matchAll(/(?:fill|stroke)(?:="|:)([^";]+)/g)].map(([, colour]) => colour),
    );
    for (const colour of colours) {
      expect(colour).toMatch(/^(var\(--[a-z]+\)|none|transparent|currentColor)$/);
    }
    for (const [, name] of drawings.matchAll(/var\((--[a-z]+)\)/g))
      expect(page).toContain(`${name}:#`);
  });

  it('draws every mark it has a number for', () => {
    const drawing = (label: string): string => {
      const start = page.indexOf(`aria-label="${label}`);
      expect(start, label).toBeGreaterThan(0);
      return page.slice(start, page.indexOf('</figure>', start));
    };
    const marks = (label: string, kind: string, shape: string): number =>
      [...drawing(label).matchAll(new RegExp(`mark-${kind} role-mark.*?</g>`, 'gs'))]
        .map(([group]) => group.match(new RegExp(shape, 'g'))?.length ?? 0)
        .reduce((a, b) => a + b, 0);
    // All but the scatter plots are drawn twice: for wide and for narrow pages.
    expect(marks('Line of precision', 'symbol', '<path')).toBe(2 * 20);
    expect(marks('Line of precision', 'rule', '<line')).toBe(2 * 3);
    expect(marks('Epsilon grew', 'rule', '<line')).toBe(1);
    expect(marks('Dot plot', 'symbol', '<path')).toBe(2 * 12);
    expect(marks('Histogram', 'rect', '<path')).toBe(2 * 2);
    expect(marks('Precision at 3 against epsilon', 'symbol', '<path')).toBe(2 * 18);
    expect(marks('Precision at 3 against epsilon', 'rule', '<line')).toBe(2 * (18 + 2));
    expect(marks('Scatter plot', 'symbol', '<path')).toBeGreaterThanOrEqual(260);
    expect(marks('Difference', 'symbol', '<path')).toBe(marks('Scatter plot', 'symbol', '<path'));
    expect(marks('Difference', 'rule', '<line')).toBe(2);
    expect(marks('Bars of', 'rect', '<path')).toBe(2 * (7 + 1));
  });

  it('puts the figures to remember first', () => {
    const opening = textOf(page.slice(0, page.indexOf('<main>')));
    expect(opening).toContain('1,952customers');
    expect(opening).toContain('ε 1.462spent at mostof 1.5');
    expect(opening).toContain('0.572precision@3');
    expect(opening).toContain('popularity alone has 0.489');
    expect(opening).toContain('3,877items scored blind');
    expect(opening).toContain('by the server in 3.27 ms');
  });

  it('says what is simulated, what is public and what is not private', () => {
    expect(text).toContain(
      'Simulated here. The data set knows orders, but neither enrolment nor consent.',
    );
    expect(text).toContain('A quarter of the customers');
    expect(page).toContain('<em class="badge">simulation on public data</em>');
    expect(page).toContain('>non-private</text>');
    expect(page).toContain('>∞</text>');
    expect(page.match(/>NOT private \(no noise\)</g)).toHaveLength(3);
    expect(text).toContain('∞ (non-private)');
    expect(text).toContain('“Online Retail” by Daqing Chen, UCI Machine Learning Repository, 2015');
    expect(text).toMatch(/doi:10\.24432\/C5BW33, licensed under CC BY 4\.0, modified/);
  });

  it('quotes the budget where it refused, and nowhere else', () => {
    expect(page.match(/class="refusal"/g)).toHaveLength(1);
    expect(text).toContain('679 of 1,057 were refused by the budget.');
    expect(text).toContain(
      'accounts would pass the limit user-total: 1.462 spent, 1 asked, 1.5 allowed',
    );
    expect(text).toContain('went on with the other 378');
  });

  it('shows the budget: limits, groups of accounts, scenes and the head of the log', () => {
    expect(page).toContain('>limit 1.5</text>');
    expect(page).toContain('>1,114</text>');
    expect(page).toContain('1114 spent more than 1.4 and at most 1.5');
    expect(text.replaceAll(' ', '')).toContain(exampleResult().budget.head);
    expect(text).toContain('10⁻⁵');
  });

  it('cuts noisy shares to what a share can be', () => {
    const rounds = page.slice(page.indexOf('Rounds of Morning'));
    expect(rounds).toContain('<td class="number">0% ± 6.5%</td>');
    expect(textOf(page)).not.toMatch(/[-−]1%/);
  });

  it('never shows a number that is none', async () => {
    expect(found(page, NOT_A_NUMBER)).toBeNull();
    expect(found(await renderReport(brokenNumbers()), NOT_A_NUMBER)).toBeNull();
  });

  it('has something to say when there is nothing to draw', async () => {
    const { scenes, budget, sweep, scoring, explanation, ...rest } = exampleResult();
    const [scene] = scenes;
    const bare = await renderReport({
      ...rest,
      scenes: scene === undefined ? [] : [{ ...scene, rounds: [] }],
      budget: { ...budget, histogram: { edges: [], counts: [] } },
      sweep: { ...sweep, points: [] },
      scoring: { ...scoring, top: [], scatter: [] },
      explanation: { ...explanation, contributions: [] },
    });
    expect(found(bare, NOT_A_NUMBER)).toBeNull();
    expect(bare).toContain('nobody spent anything');
  });

  it('escapes every string it is given', async () => {
    const benign = await renderReport(withStrings((name) => `word ${name}`));
    const hostile = await renderReport(
      withStrings((name) => `</text></p>"'><img src=x onerror=alert(1)>&lt;\u202e${name}`),
    );
    expect(hostile).not.toContain('<img');
    expect(hostile).not.toContain('\u202e');
    expect(hostile).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;lt;\uFFFD');
    expect(skeletonOf(hostile)).toEqual(skeletonOf(benign));
  });

  it('says so when a limit or a bound was passed', async () => {
    const result = exampleResult();
    const over = textOf(
      await renderReport({
        ...result,
        budget: { ...result.budget, epsilonMax: 1.50001 },
        scoring: { ...result.scoring, maxError: 1 },
      }),
    );
    expect(over).toContain('An account has spent ε 1.501, more than the 1.5 allowed');
    expect(over).toContain('The error seen is above its bound.');
    expect(text).not.toContain('do not trust this run');
  });

  it('reads the explanation in probabilities, and warns of noise', async () => {
    expect(text).toContain('candle light with a probability of 71%');
    expect(text).toContain('leaves room for 58% to 81%');
    expect(text).toContain('More than noise.');
    const result = exampleResult();
    const doubtful = { ...result, explanation: { ...result.explanation, mayBeNoise: true } };
    expect(textOf(await renderReport(doubtful))).toContain('This tag may be noise.');
  });
});

describe('numbers in words', () => {
  it('rounds epsilon up, so that a limit kept is a limit shown as kept', () => {
    expect(epsilon(0.3)).toBe('0.3');
    expect(epsilon(0.1 + 0.2)).toBe('0.3');
    expect(epsilon(1.4611)).toBe('1.462');
    expect(epsilon(0.99991)).toBe('1');
    expect(epsilonColumn(0.99991)).toBe('1.000');
    expect(epsilon(1.0000001)).toBe('1.001');
    expect(epsilon(Number.POSITIVE_INFINITY)).toBe('∞');
    for (let i = 0; i < 2000; i++) {
      const value = i / 777;
      expect(Number(epsilon(value))).toBeGreaterThanOrEqual(value - 1e-11);
      expect(Number(epsilon(value))).toBeLessThan(value + 0.001);
    }
  });

  it('writes small bounds in two digits, rounded up', () => {
    expect(smallBound(1e-5)).toBe('10⁻⁵');
    expect(smallBound(6.83e-6)).toBe('6.9 × 10⁻⁶');
    expect(smallBound(9.99e-6)).toBe('10⁻⁵');
    expect(smallBound(0.00231)).toBe('0.0024');
    expect(smallBound(0.5)).toBe('0.5');
    expect(smallBound(0)).toBe('0');
    expect(smallBound(Number.NaN)).toBe('n/a');
  });

  it('rounds the rest to what a reader can use', () => {
    expect(metric(0.57194)).toBe('0.572');
    expect(metric(Number.NaN)).toBe('n/a');
    expect([percent(0), percent(0.0123), percent(0.717), percent(0.0001), percent(1)]).toEqual([
      '0%',
      '1.2%',
      '72%',
      'under 0.1%',
      '100%',
    ]);
    expect([bytes(999), bytes(27_812), bytes(1_234_567)]).toEqual([
      '999 bytes',
      '27.8 kB',
      '1.23 MB',
    ]);
    expect([
      milliseconds(0.01),
      milliseconds(3.274),
      milliseconds(812.6),
      milliseconds(41_300),
    ]).toEqual(['under 0.1 ms', '3.27 ms', '813 ms', '41.3 s']);
    expect([signed(0.314), signed(-0.314), signed(-0.001)]).toEqual(['+0.31', '−0.31', '0.00']);
    expect(threeDigits(Number.POSITIVE_INFINITY)).toBe('n/a');
  });
});

describe('html', () => {
  it('escapes strings in text and attributes, and joins lists', () => {
    expect(html`<a title="${'"&'}">${['<', html`<b>${1}</b>`]}${null}</a>`.markup).toBe(
      '<a title="&quot;&amp;">&lt;<b>1</b></a>',
    );
    expect(html`${trusted('<hr>')}`.markup).toBe('<hr>');
  });

  it('makes invisible characters visible', () => {
    expect(plainText('a\u202eb\u0000c\nd')).toBe('a\uFFFDb\uFFFDc d');
  });
});

/** Every number that a run might fail to produce. */
function brokenNumbers(): QuickstartResult {
  const result = exampleResult();
  const nothing = Number.NaN;
  const metrics = { precisionAt3: nothing, macroAuc: nothing, ndcgAt5: nothing };
  return {
    ...result,
    seconds: nothing,
    scenes: result.scenes.map((scene, i) => ({
      ...scene,
      metrics,
      baselines:
        i === 0
          ? scene.baselines
          : { popularity: metrics, ownHistory: metrics, nonPrivate: metrics },
      rounds: scene.rounds.map((round) => ({
        ...round,
        signalToNoise: Number.POSITIVE_INFINITY,
        clippedShare: round.round === 2 ? nothing : round.clippedShare,
        precisionAt3: round.round === 3 ? nothing : round.precisionAt3,
      })),
    })),
    budget: { ...result.budget, epsilonMean: nothing },
    sweep: {
      ...result.sweep,
      ownHistory: nothing,
      points: [
        { method: 'fedavg', epsilon: 1, mean: nothing, sd: nothing },
        { method: 'one-shot', epsilon: Number.POSITIVE_INFINITY, mean: 0.6, sd: nothing },
      ],
    },
    scoring: {
      ...result.scoring,
      recallAt100: nothing,
      decryptMs: nothing,
      scatter: [{ plain: nothing, encrypted: 1 }, ...result.scoring.scatter],
    },
    explanation: {
      ...result.explanation,
      probability: 1,
      noiseHalfWidth: Number.POSITIVE_INFINITY,
    },
  };
}

/** The example with every string that comes from outside made by `name`. */
function withStrings(name: (id: string) => string): QuickstartResult {
  const result = exampleResult();
  const byScene = (values: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(values).map(([scene, value]) => [name(scene), value]));
  return {
    ...result,
    out: name('out'),
    data: {
      ...result.data,
      enrolled: byScene(result.data.enrolled),
      events: { ...result.data.events, refused: byScene(result.data.events.refused) },
    },
    limits: { ...result.limits, scenes: byScene(result.limits.scenes) },
    scenes: result.scenes.map((scene) => ({
      ...scene,
      scene: name(scene.scene),
      refusal: scene.refusal === null ? null : name(scene.refusal),
      statement: name('statement'),
    })),
    budget: {
      ...result.budget,
      epsilonByScene: byScene(result.budget.epsilonByScene),
      head: name('head').slice(0, 8),
    },
    sweep: { ...result.sweep, scene: name('sweep') },
    scoring: {
      ...result.scoring,
      parameters: name('parameters'),
      top: result.scoring.top.map((item) => ({
        ...item,
        id: name(item.id),
        name: name(item.name),
        tags: item.tags.map(name),
      })),
    },
    explanation: {
      ...result.explanation,
      tag: name('tag'),
      text: name('text'),
      contributions: result.explanation.contributions.map((entry) => ({
        ...entry,
        feature: name(entry.feature),
      })),
    },
  };
}
