import type { TopLevelSpec } from 'vega-lite';
import { type Html, html, trusted } from './html.ts';

/** A drawing that is laid out anew for each width, so that its letters stay readable on a phone. */
export interface Chart {
  /** What the drawing shows, in a sentence or two: for those who do not see it. */
  readonly label: string;
  /** @param width - of the whole drawing, pixels */
  draw(width: number): TopLevelSpec;
}

/** Width of a drawing in the text column, and on a narrow screen. */
const WIDE = 680;
const NARROW = 330;

/** Colours are CSS variables, so that one drawing serves the light and the dark page. */
const THEME: TopLevelSpec['config'] = {
  aria: false,
  background: 'transparent',
  font: 'inherit',
  view: { stroke: null },
  axis: {
    labelColor: 'var(--muted)',
    titleColor: 'var(--muted)',
    gridColor: 'var(--line)',
    domainColor: 'var(--rule)',
    tickColor: 'var(--rule)',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    labelPadding: 5,
    tickSize: 4,
  },
  axisY: { domain: false, ticks: false },
  axisX: { grid: false },
  text: { fontSize: 12, color: 'var(--ink)' },
};

/** Draws a chart for wide and for narrow pages; the style sheet shows one of them. */
export async function responsive(chart: Chart): Promise<Html> {
  const [wide, narrow] = await Promise.all([svg(chart.draw(WIDE)), svg(chart.draw(NARROW))]);
  return html`<div class="chart" role="img" aria-label="${chart.label}">
<div class="wide">${wide}</div><div class="narrow">${narrow}</div></div>`;
}

/** Draws a small chart, as wide as a phone or less. */
export async function small(chart: Chart, width: number): Promise<Html> {
  return html`<div class="chart" role="img" aria-label="${chart.label}">${await svg(chart.draw(width))}</div>`;
}

/** Lays a specification out as static SVG. Vega is loaded here, because only reports need it. */
async function svg(spec: TopLevelSpec): Promise<Html> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const compiled = vegaLite.compile({
    autosize: { type: 'fit', contains: 'padding' },
    padding: 4,
    ...spec,
    config: THEME,
  } as TopLevelSpec);
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none' });
  try {
    const drawing = await view.toSVG();
    // The label says it all; hundreds of marks would only be noise to a screen reader.
    return trusted(
      drawing.replace(/^<svg [^>]*?class=/, '<svg aria-hidden="true" focusable="false" class='),
    );
  } finally {
    view.finalize();
  }
}
