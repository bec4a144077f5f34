import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { calibrateGaussian } from '../../../src/dp/index.ts';
import {
  designRows,
  FederatedClient,
  LogisticModel,
  labelNormBound,
  PlainSum,
  priorParameters,
  type RobustRule,
  rankingMetrics,
  rowBatch,
  runFedAvg,
  type SecureSum,
  scoreTags,
  selectRows,
} from '../../../src/federated/index.ts';
import { readRetailProfiles } from '../../../src/node/online-retail.ts';
import { smoothedShare, unitNorm } from '../../../src/profile/index.ts';
import { HIDDEN_SUM, SIMULATION } from '../rounds/fixtures.ts';
import { type Account, ColludingClient, clickFarm, labelFlip } from './attackers.ts';

// The shipped data set, trained as the quickstart does: rounds from the persistence prior at epsilon 2.
const ROUNDS = 5;
const PRIOR = { beta: 0.3, labelDensity: 0.25, persistence: 6 } as const;
const { users, tags, counts, labels } = readRetailProfiles();
const width = tags.length;
const phi = Float32Array.from(counts);
users.forEach((_, user) => {
  const own = counts.subarray(user * width, (user + 1) * width);
  phi.set(unitNorm(smoothedShare(own)), user * width);
});
const table = { users, tags, phi, history: phi, labels };
const order = new SeededRandom(1000).permutation(users.length);
const trained = order.subarray(0, 800);
const tested = order.subarray(1464);
const design = designRows(table, trained, PRIOR.beta);
const trainedLabels = selectRows(labels, width, trained);
const accounts: readonly Account[] = Array.from(trained, (user, row) => ({
  name: users[user] as string,
  data: rowBatch(design, trainedLabels, row, width + 1, width),
}));
const truth = selectRows(labels, width, tested);
const model = new LogisticModel({ inputDimension: width + 1, outputDimension: width });
const NORM = labelNormBound(width, PRIOR.labelDensity);
const noiseMultiplier = calibrateGaussian({ epsilon: 2, delta: 1e-5 }) * Math.sqrt(ROUNDS);
const checked = new PlainSum();

interface Outcome {
  /** Precision@3 of the honest test users. */
  readonly precision: number;
  /** Share of test users who get tag 0 among their first three. */
  readonly exposure: number;
}

async function train(
  hostile: number,
  attack: (account: Account) => FederatedClient,
  trial: { secureSum?: SecureSum; robust?: RobustRule; noiseMultiplier?: number } = {},
): Promise<Outcome> {
  const clients = accounts.map((account, i) =>
    i < hostile ? attack(account) : new FederatedClient(account.name, account.data),
  );
  const environment = {
    ...SIMULATION,
    secureSum: trial.secureSum ?? checked,
    random: new SeededRandom('retail'),
  };
  const run = runFedAvg(environment, model, priorParameters(model, PRIOR), clients, {
    runId: 'retail',
    rounds: ROUNDS,
    localEpochs: 1,
    localLearningRate: 1,
    clippingNorm: NORM,
    noiseMultiplier: trial.noiseMultiplier ?? noiseMultiplier,
    normaliser: accounts.length,
    serverLearningRate: 8,
    averagedShare: 0.5,
    ...(trial.robust === undefined ? {} : { robust: trial.robust }),
  });
  let step = await run.next();
  while (!step.done) step = await run.next();
  const scores = scoreTags(
    {
      kind: 'logistic',
      tags,
      features: ['(constant)', ...tags],
      weights: step.value.parameters,
      offsets: new Float32Array(width),
    },
    designRows(table, tested, PRIOR.beta),
  );
  let exposed = 0;
  tested.forEach((_, user) => {
    const row = scores.subarray(user * width, (user + 1) * width);
    if (row.filter((score) => score > (row[0] as number)).length < 3) exposed++;
  });
  const precision = rankingMetrics(scores, truth, width).precisionAt3;
  return { precision, exposure: exposed / tested.length };
}

const honest = ({ name, data }: Account) => new FederatedClient(name, data);
/** All weights of tag 0 up and all others down, far beyond the norm. */
const pushing = (account: Account) =>
  new ColludingClient(
    account,
    Array.from({ length: width * (width + 1) }, (_, at) => (at <= width ? 1 : -1)),
    1000,
  );

describe('on Online Retail, hostile accounts', async () => {
  const clean = await train(0, honest);

  it('that scale their updates up own the lists unless the server can check the norm', async () => {
    expect(clean.precision).toBeGreaterThan(0.57);
    // Without noise: over such a sum a server would have to add it to what it has already seen.
    const unchecked = await train(24, pushing, { secureSum: HIDDEN_SUM, noiseMultiplier: 0 });
    expect(unchecked.exposure).toBeGreaterThan(clean.exposure + 0.4);
    expect(unchecked.precision).toBeLessThan(clean.precision - 0.05);
    const bounded = await train(24, pushing);
    expect(Math.abs(bounded.exposure - clean.exposure)).toBeLessThan(0.05);
    expect(bounded.precision).toBeGreaterThan(clean.precision - 0.02);
  });

  it('that scale their updates up are cut off by buckets, at the price of their noise', async () => {
    const robust = { kind: 'trimmed-mean', buckets: 10, trim: 3 } as const;
    const trial = { secureSum: HIDDEN_SUM, robust, noiseMultiplier: 0 };
    const [quiet, attacked] = [await train(0, honest, trial), await train(3, pushing, trial)];
    expect(attacked.precision).toBeGreaterThan(quiet.precision - 0.02);
    expect(Math.abs(attacked.exposure - quiet.exposure)).toBeLessThan(0.05);
    // Four times the noise, as for a quarter of the epsilon: one sum bears it, buckets do not.
    const noisier = { noiseMultiplier: 4 * noiseMultiplier };
    const whole = await train(0, honest, noisier);
    const split = await train(0, honest, { ...noisier, robust });
    expect(split.precision).toBeLessThan(whole.precision - 0.02);
  });

  it('that turn their labels round, one in ten, cost little', async () => {
    const flipped = await train(80, labelFlip);
    expect(flipped.precision).toBeGreaterThan(clean.precision - 0.03);
  });

  it('of a click farm, one in ten, push a tag no further than their number', async () => {
    const pushed = await train(80, (account) => clickFarm(account, 0, width));
    expect(pushed.exposure).toBeGreaterThan(clean.exposure);
    expect(pushed.exposure).toBeLessThan(clean.exposure + 0.25);
    expect(pushed.precision).toBeGreaterThan(clean.precision - 0.03);
  });
});
