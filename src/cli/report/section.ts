import { type Html, html } from './html.ts';

/** A chapter of the report; its number is its place. */
export interface Chapter {
  readonly id: string;
  /** A few words, for the table of contents. */
  readonly short: string;
  readonly title: string;
  /** The one or two sentences to take away. */
  readonly lead: Html | string;
  readonly body: Html;
}

/** A chapter as a section of the page. */
export function chapterMarkup(chapter: Chapter, position: number): Html {
  const { id, title, lead, body } = chapter;
  return html`<section id="${id}" aria-labelledby="${id}-title">
<header><span class="step" aria-hidden="true">${position + 1}</span><h2 id="${id}-title">${title}</h2></header>
<p class="lead">${lead}</p>
${body}
</section>`;
}

/** Something the reader must know to read on rightly. */
export function callout(title: string, text: Html | string): Html {
  return html`<aside class="callout"><p><strong>${title}</strong> ${text}</p></aside>`;
}

/** Text for those who want to know; closed at first. */
export function more(summary: string, text: Html): Html {
  return html`<details><summary>${summary}</summary>${text}</details>`;
}

/** A bar that is filled to a share of its length; the numbers stand beside it. */
export function meter(share: number, color: string): Html {
  const filled = Number.isFinite(share) ? Math.min(1, Math.max(0, share)) * 100 : 0;
  return html`<span class="meter" aria-hidden="true"><span style="width:${filled.toFixed(1)}%;background:var(--${color})"></span></span>`;
}
