import type { BenchReport, BenchRow } from './suite.ts';

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-3)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

function line(row: BenchRow): string {
  const against =
    row.baseline === null
      ? '–'
      : `${figure(row.baseline)}${row.recorded === undefined ? '' : ` <small>recorded: ${escapeHtml(row.recorded)}</small>`}`;
  const note = row.note === undefined ? '' : ` <small>${escapeHtml(row.note)}</small>`;
  return `<tr><th scope="row">${escapeHtml(row.name)}${note}</th><td>${figure(row.value)} ${escapeHtml(row.unit)}</td><td>${against}</td><td>${row.ratio === null ? '–' : figure(row.ratio)}</td></tr>`;
}

/** A benchmark report as one page. */
export function benchHtml(report: BenchReport): string {
  const suites = [...new Set(report.rows.map((row) => row.suite ?? ''))];
  const tables = suites.map(
    (suite) =>
      `<h2>${escapeHtml(suite)}</h2><table><thead><tr><th>what</th><th>value</th><th>baseline</th><th>ratio</th></tr></thead><tbody>${report.rows
        .filter((row) => (row.suite ?? '') === suite)
        .map(line)
        .join('')}</tbody></table>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Velatura benchmarks</title>
<style>
:root{color-scheme:light dark;--ink:#1f1d2b;--soft:#6b6776;--line:#e4ddd0;--page:#fbf8f1}
@media(prefers-color-scheme:dark){:root{--ink:#efeae0;--soft:#a49fae;--line:#38344a;--page:#16141f}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:62rem;margin:3rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}thead th:not(:first-child){text-align:right}
tbody th{font-weight:400}small{color:var(--soft)}
</style>
<h1>Velatura benchmarks</h1>
<p>${escapeHtml(report.cpu)}, ${report.cores} cores, Node ${escapeHtml(report.node)}, ${escapeHtml(report.date)}. Ratios compare value and baseline within this run, unless the baseline is marked as recorded.</p>
${tables.join('\n')}
</html>
`;
}
