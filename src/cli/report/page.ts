import { type Html, html, trusted } from './html.ts';
import { type Chapter, chapterMarkup } from './section.ts';
import { STYLE } from './style.ts';

/** A figure to remember. */
export interface Tile {
  readonly figure: Html | string;
  readonly name: string;
  readonly detail: Html | string;
}

/** A report: what it is called, what to remember, and its chapters. */
export interface ReportPage {
  readonly eyebrow: string;
  readonly title: string;
  readonly lead: Html | string;
  readonly tiles: readonly Tile[];
  readonly chapters: readonly Chapter[];
}

/** One HTML page without scripts that asks no server for anything, for screens light and dark and for paper. */
export function reportPage({ eyebrow, title, lead, tiles, chapters }: ReportPage): string {
  const page = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${eyebrow}: ${title}</title>
<style>${trusted(STYLE)}.plain .opening{display:block}</style>
</head>
<body>
<header class="hero plain"><div class="opening">
<p class="eyebrow">${eyebrow}</p>
<h1>${title}</h1>
<p class="lead">${lead}</p>
</div>
<ul class="tiles">${tiles.map(
    ({ figure, name, detail }) =>
      html`<li><span class="figure">${figure}</span><span class="name">${name}</span><span class="detail">${detail}</span></li>`,
  )}</ul>
</header>
<nav aria-label="Chapters"><ol>${chapters.map(
    ({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`,
  )}</ol></nav>
<main>${chapters.map(chapterMarkup)}</main>
<footer><p><b>This page</b> holds everything it shows. It runs no scripts and loads nothing.</p></footer>
</body>
</html>`;
  return `<!doctype html>\n${page.markup}\n`;
}
