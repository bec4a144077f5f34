/** Markup that is safe to put into a page. Only {@link html} and {@link trusted} make it. */
export interface Html {
  readonly markup: string;
}

type Fragment = Html | string | number | null | readonly Fragment[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control, bidirectional and other invisible characters: they could reorder or hide the text around them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of others with invisible characters made visible; line breaks and tabs become spaces. */
export function plainText(text: string): string {
  return text.replace(/[\t\n\r]+/g, ' ').replace(INVISIBLE, '\uFFFD');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** Vouches for markup that was not made by {@link html}: our own style sheet and drawings. */
export function trusted(markup: string): Html {
  return { markup };
}

/**
 * A template whose every inserted string is escaped, for text and for quoted attributes alike. Lists are
 * joined, null is nothing.
 */
export function html(strings: TemplateStringsArray, ...fragments: readonly Fragment[]): Html {
  let markup = strings[0] ?? '';
  fragments.forEach((fragment, i) => {
    markup += render(fragment) + (strings[i + 1] ?? '');
  });
  return { markup };
}

function render(fragment: Fragment): string {
  if (fragment === null) return '';
  if (typeof fragment === 'number') return String(fragment);
  if (typeof fragment === 'string') return escapeHtml(plainText(fragment));
  return 'markup' in fragment ? fragment.markup : fragment.map(render).join('');
}

/** Sentences on lines of their own. */
export function lines(text: string): Html {
  return html`${text.split('\n').map((line) => html`<span class="line">${line}</span>`)}`;
}

/** A table with a caption; the first cell of a row heads it. */
interface TableOptions {
  readonly caption: string;
  /** Names of the columns; `number` columns are aligned by their digits. */
  readonly columns: readonly { readonly name: string; readonly number?: boolean }[];
  readonly rows: readonly (readonly (Html | string)[])[];
}

/** A table that scrolls sideways by itself when the page is narrow. */
export function table({ caption, columns, rows }: TableOptions): Html {
  const kind = (column: number): string => (columns[column]?.number === true ? 'number' : 'text');
  const head = columns.map(
    (column, i) => html`<th scope="col" class="${kind(i)}">${column.name}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0
        ? html`<th scope="row" class="${kind(i)}">${cell}</th>`
        : html`<td class="${kind(i)}">${cell}</td>`,
    );
    return html`<tr>${cells}</tr>`;
  });
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
<table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>
</div>`;
}

/** A figure: its title above, the drawing, and what to make of it below. */
interface FigureOptions {
  readonly title: string;
  /** A short label that must not be overlooked. */
  readonly badge?: string;
  readonly drawing: Html;
  readonly legend?: Html;
  readonly note?: Html | string;
}

/** A titled drawing, with its legend above and a note below. */
export function figure({ title, badge, drawing, legend, note }: FigureOptions): Html {
  return html`<figure>
<figcaption><strong>${title}</strong>${badge === undefined ? null : html` <em class="badge">${badge}</em>`}</figcaption>
${legend ?? null}
${drawing}
${note === undefined ? null : html`<p class="note">${note}</p>`}
</figure>`;
}

/** What can stand in a legend: the colour is the name of a CSS variable, the shape that of a key. */
export interface LegendEntry {
  readonly name: string;
  readonly value?: string;
  readonly color: string;
  readonly shape: 'dot' | 'square' | 'triangle' | 'diamond' | 'hollow' | 'line' | 'dashes' | 'dots';
}

/** The keys of a drawing, as text of the page. */
export function legend(entries: readonly LegendEntry[]): Html {
  const items = entries.map(
    ({ name, value, color, shape }) =>
      html`<li><span class="key ${shape}" style="--key:var(--${color})" aria-hidden="true"></span>${name}${value === undefined ? null : html` <b>${value}</b>`}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}

/** Numbers with their meaning, side by side. */
export function facts(pairs: readonly (readonly [name: string, value: Html | string])[]): Html {
  return html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
