import { parseArgs } from 'node:util';
import type { BenchRow, BenchSuite } from './suite.ts';
import { utility } from './utility.ts';

const SUITES: Readonly<Record<string, BenchSuite>> = { utility };

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`usage: npm run bench -- [--suite ${Object.keys(SUITES).join('|')}] [--json]`);
  process.exit(0);
}
const names = values.suite === undefined ? Object.keys(SUITES) : [values.suite];
const rows: BenchRow[] = [];
for (const name of names) {
  const suite = SUITES[name];
  if (suite === undefined) {
    console.error(`unknown suite "${name}"; there are ${Object.keys(SUITES).join(', ')}`);
    process.exit(64);
  }
  console.error(`suite ${name}`);
  rows.push(...(await suite((line) => console.error(`  ${line}`))));
}
if (values.json) console.log(JSON.stringify({ node: process.version, rows }, null, 2));
else {
  for (const { name, value, unit, baseline, ratio, recorded } of rows) {
    const against =
      baseline === null
        ? ''
        : `  (baseline ${baseline}${recorded === undefined ? '' : ` recorded: ${recorded}`}, ratio ${ratio?.toPrecision(3)})`;
    console.log(`${name}: ${value.toPrecision(4)} ${unit}${against}`);
  }
}
