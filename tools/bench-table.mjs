// Prints rows of a benchmark report as a Markdown table: node tools/bench-table.mjs .out/bench/accounting.json 'PLD' 'calibration' …
// Each argument picks the rows whose name contains it, so that README tables come from a run and from nowhere else.
import { readFileSync } from 'node:fs';

const [file, ...picks] = process.argv.slice(2);
const { rows } = JSON.parse(readFileSync(file, 'utf8'));
const figure = (value) => String(Number(value.toPrecision(3)));
const chosen =
  picks.length === 0
    ? rows
    : picks.flatMap((pick) => rows.filter(({ name }) => name.includes(pick)));
console.log('| what | measured | baseline | ratio |\n|---|---|---|---|');
for (const { name, value, unit, baseline, ratio, recorded } of chosen) {
  const against =
    baseline === null
      ? '–'
      : `${figure(baseline)} ${unit}${recorded === undefined ? '' : ` (recorded: ${recorded})`}`;
  console.log(
    `| ${name} | ${figure(value)} ${unit} | ${against} | ${ratio === null ? '–' : figure(ratio)} |`,
  );
}
