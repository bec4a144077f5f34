import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { accounting } from './accounting.ts';
import { budget } from './budget.ts';
import { he } from './he.ts';
import { heClient } from './he-client.ts';
import { benchHtml } from './html.ts';
import { kernels } from './kernels.ts';
import { mnist } from './mnist.ts';
import { noise } from './noise.ts';
import { profile } from './profile.ts';
import { secagg } from './secagg.ts';
import { segments } from './segments.ts';
import { simulation } from './simulate.ts';
import type { BenchReport, BenchRow, BenchSuite } from './suite.ts';
import { tfjs } from './tfjs.ts';
import { training } from './training.ts';
import { utility } from './utility.ts';

const SUITES: Readonly<Record<string, BenchSuite>> = {
  accounting: async (log) => [...(await accounting(log)), ...(await noise(log))],
  budget,
  he: async (log) => [...(await he(log)), ...(await heClient(log))],
  kernels,
  mnist,
  profile,
  secagg,
  segments,
  simulate: simulation,
  tfjs,
  training,
  utility,
};
const OUT = '.out/bench';

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    [
      `usage: npm run bench -- [--suite ${Object.keys(SUITES).join('|')}] [--json]`,
      '',
      `Without --suite: all of them, as JSON and HTML in ${OUT}.`,
      'Ratios compare within the same run; a baseline that cannot be run here is marked as recorded.',
    ].join('\n'),
  );
  process.exit(0);
}
if (values.suite !== undefined && SUITES[values.suite] === undefined) {
  console.error(`unknown suite "${values.suite}"; there are ${Object.keys(SUITES).join(', ')}`);
  process.exit(64);
}

const rows: BenchRow[] = [];
for (const [name, suite] of Object.entries(SUITES)) {
  if (values.suite !== undefined && values.suite !== name) continue;
  console.error(`suite ${name}`);
  const found = await suite((line) => console.error(`  ${line}`));
  rows.push(...found.map((row) => ({ ...row, suite: name })));
}
const report: BenchReport = {
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  date: new Date().toISOString(),
  rows,
};
mkdirSync(OUT, { recursive: true });
const file = `${OUT}/${values.suite ?? 'tour'}`;
writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(`${file}.html`, benchHtml(report));
console.error(`written: ${file}.json and ${file}.html`);
if (values.json) console.log(JSON.stringify(report, null, 2));
