import { expect, it } from 'vitest';
import { fuzzRound } from '../federated/secagg/fuzz.ts';

const FRAMES = 100_000;

it('100,000 spoilt frames of SecAgg+ are refused, and every sum is exact', async () => {
  const started = performance.now();
  let refusals = 0;
  let rounds = 0;
  while (refusals < FRAMES) {
    const round = await fuzzRound(`long/${rounds++}`, 100);
    expect(round.sum).toEqual(new Array(8).fill(21));
    refusals += round.refusals;
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`${refusals} spoilt frames in ${rounds} rounds, ${seconds} s`);
});
