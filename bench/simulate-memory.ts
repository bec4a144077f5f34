import { simulate } from '../src/federated/index.ts';
import { PEOPLE, simulationParts, WORKLOAD } from './simulate-parts.ts';

// A process that makes up 100,000 users, trains and sums them one after the other, and says how many MB it had.

const population = { ...PEOPLE, users: 100_000, rows: 5 };
const parts = simulationParts({ model: 'logistic', population });
const resident = (): number => process.memoryUsage.rss() / 2 ** 20;
const least = resident();
let most = least;
const watch = setInterval(() => {
  most = Math.max(most, resident());
}, 50);
const run = simulate({
  ...WORKLOAD,
  ...parts,
  cohort: { kind: 'full' },
  initialParameters: parts.model.initialParameters(),
  rounds: 1,
});
for await (const { metrics } of run) {
  if (metrics.survivors !== population.users) throw new Error('not everybody was visited');
}
clearInterval(watch);
console.log(JSON.stringify({ least, most: Math.max(most, resident()) }));
