import { type Html, html, trusted } from '../../report/html.ts';

/** Rows and columns of dots in the emblem. */
const GRID = 30;
const SIZE = 260;

/**
 * The emblem of the report: a portrait in halftone under three glazes of paint. Recognisable as somebody,
 * identifiable as nobody. It shows no data.
 */
export function portrait(): Html {
  const step = SIZE / GRID;
  let dots = '';
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      const x = (column + 0.5) / GRID;
      const y = (row + 0.5) / GRID;
      const radius = shade(x, y) * step * 0.5;
      if (radius < 0.4) continue;
      dots += `<circle cx="${(x * SIZE).toFixed(1)}" cy="${(y * SIZE).toFixed(1)}" r="${radius.toFixed(1)}"/>`;
    }
  }
  return html`<svg class="portrait" viewBox="0 0 260 260" aria-hidden="true" focusable="false">
<g fill="currentColor">${trusted(dots)}</g>
<g class="glaze"><ellipse cx="104" cy="118" rx="92" ry="104" style="fill:var(--ultramarine)"/><ellipse cx="162" cy="112" rx="86" ry="96" style="fill:var(--vermilion)"/><ellipse cx="132" cy="176" rx="110" ry="76" style="fill:var(--ochre)"/></g>
</svg>`;
}

/** How dark the portrait is at a point of the unit square: hair, face, neck and shoulders, lit from the left. */
function shade(x: number, y: number): number {
  const light = 0.9 * (x - 0.5);
  const inside = (cx: number, cy: number, rx: number, ry: number): boolean =>
    ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
  if (inside(0.5, 0.42, 0.15, 0.2)) return 0.4 + light;
  if (inside(0.5, 0.37, 0.235, 0.28) && y < 0.52) return 0.86 + light / 3;
  if (Math.abs(x - 0.5) < 0.085 && y > 0.5 && y < 0.74) return 0.52 + light;
  if (inside(0.5, 1.02, 0.45, 0.34)) return 0.7 + light / 2;
  return 0;
}
