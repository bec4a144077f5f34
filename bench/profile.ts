import { explainByGradients, explainLinearTag, perceptronScore } from '../src/profile/index.ts';
import { auditing } from './profile-audit.ts';
import { gating } from './profile-gate.ts';
import { storing } from './profile-store.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const RUNS = 15;
const FEATURES = 64;
const TAGS = 20_000;

/** Milliseconds of one call, the median of several runs of many calls after one to warm up. */
function perCall(calls: number, body: () => unknown): number {
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const started = performance.now();
    for (let call = 0; call < calls; call++) body();
    times.push((performance.now() - started) / calls);
  }
  return median(times.slice(1));
}

function explaining(): BenchRow[] {
  const question = {
    tag: 'kitchen',
    featureNames: Array.from({ length: FEATURES }, (_, i) => `feature ${i}`),
    features: Float32Array.from({ length: FEATURES }, (_, i) => Math.sin(i) / 8),
    weights: Float32Array.from({ length: FEATURES }, (_, i) => Math.cos(i)),
    bias: -1,
    weightNoiseStddev: 0.1,
    biasNoiseStddev: 0.1,
    confidence: 0.95,
  };
  let sink = 0;
  const bare = (): void => {
    for (let i = 0; i < FEATURES; i++) {
      sink += (question.features[i] as number) * (question.weights[i] as number);
    }
  };
  const explained = perCall(TAGS / 20, () => explainLinearTag(question));
  const predicted = perCall(TAGS, bare);
  if (!Number.isFinite(sink)) throw new Error('the prediction is no number');
  const score = perceptronScore(
    {
      ...{ inputDimension: FEATURES, hidden: [32], outputDimension: 1, activation: 'relu' },
      parameters: Float32Array.from({ length: 32 * FEATURES + 32 + 32 + 1 }, (_, i) =>
        Math.sin(i * i),
      ),
    },
    0,
  );
  const { tag, featureNames, features, confidence } = question;
  const gradients = perCall(5, () =>
    explainByGradients({
      ...{ tag, featureNames, features, confidence, score, parameterNoiseStddev: 0.1 },
    }),
  );
  const answered = perCall(TAGS / 20, () => score.logit(features));
  return [
    row(`explanation of a linear tag, ${FEATURES} features`, explained, 'ms', predicted, {
      note: 'baseline: its prediction alone; goal: at most 0.1 ms',
    }),
    row(
      `explanation of a perceptron's tag, ${FEATURES} features, 32 hidden`,
      gradients,
      'ms',
      answered,
      {
        note: 'baseline: its prediction alone',
      },
    ),
  ];
}

/** What a device does for its owner: to explain, to keep, to decide what may be kept. */
export const profile: BenchSuite = async (log) => {
  const rows = [...explaining(), ...(await storing()), ...gating(), ...(await auditing())];
  for (const entry of rows) log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
  return rows;
};
