import { type ProgramRuns, runPrograms } from '../dp/budget/program-runs.ts';

/** Runs programs and prints how many, how long they took and what they met how often. */
export async function runAndTell(where: string, runs: ProgramRuns): Promise<void> {
  const started = performance.now();
  const tally = await runPrograms(runs);
  const seconds = Math.round((performance.now() - started) / 1000);
  const met = [...tally].sort(([, a], [, b]) => b - a).map(([what, times]) => `${what} ${times}`);
  console.log(`${runs.count} programs ${where}, ${seconds} s: ${met.join(', ')}`);
}
