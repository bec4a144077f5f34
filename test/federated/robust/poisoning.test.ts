import { describe, expect, it } from 'vitest';
import { l2Norm } from '../../../src/core/linear-algebra.ts';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { fillRoundedGaussian } from '../../../src/dp/noise/index.ts';
import {
  areaUnderCurve,
  type FedAvgOptions,
  FederatedClient,
  LogisticModel,
  PlainSum,
  type RobustRule,
  runFedAvg,
  type SecureSum,
} from '../../../src/federated/index.ts';
import { HIDDEN_SUM, SIMULATION } from '../rounds/fixtures.ts';
import { type Account, ColludingClient, clickFarm, labelFlip } from './attackers.ts';

const TAGS = 4;
const WIDTH = TAGS + 1;
const USERS = 240;
const ROUNDS = 4;
const RATE = 5;
/** A gradient of one row is at most ‖x‖ · √TAGS = 2 long, so nothing honest is ever clipped. */
const NORM = 2;
const model = new LogisticModel({ inputDimension: WIDTH, outputDimension: TAGS });

/** Users whose taste persists: tag k is likelier where feature k + 1 is. */
const accounts: readonly Account[] = (() => {
  const random = new SeededRandom('poisoning.test');
  return Array.from({ length: USERS }, (_, i) => {
    const favourite = Math.floor(random.uniform() * TAGS);
    const features = new Float32Array(WIDTH);
    features[0] = 0.5;
    features[favourite + 1] = Math.sqrt(0.75);
    const labels = Float32Array.from({ length: TAGS }, (_, tag) =>
      random.uniform() < (tag === favourite ? 0.8 : 0.15) ? 1 : 0,
    );
    return { name: `user-${i}`, data: { rows: 1, features, labels } };
  });
})();

/** Away from what is true: every tag from the feature that tells it, and towards the others. */
const REVERSED = Array.from({ length: TAGS * WIDTH }, (_, at) => {
  const [tag, feature] = [Math.floor(at / WIDTH), at % WIDTH];
  return feature === tag + 1 ? -1 : 1;
});
const reversed = (factor: number) => (account: Account) =>
  new ColludingClient(account, REVERSED, factor);

const honest = ({ name, data }: Account) => new FederatedClient(name, data);

/** The first `hostile` accounts are what `attack` makes of them. */
function population(hostile: number, attack: (account: Account) => FederatedClient | null) {
  return accounts.flatMap((account, i) => {
    const client = i < hostile ? attack(account) : honest(account);
    return client === null ? [] : [client];
  });
}

interface Trial {
  readonly secureSum?: SecureSum;
  readonly robust?: RobustRule;
  /** Of noise that is in the sum before the server sees it; no round claims privacy for it. */
  readonly noiseMultiplier?: number;
}

/** A sum whose server sees no contribution, and none of the sum without the noise. */
function hiddenSum(random: RandomSource, { noiseMultiplier = 0 }: Trial): SecureSum {
  if (noiseMultiplier === 0) return HIDDEN_SUM;
  return {
    ...HIDDEN_SUM,
    open: async (parameters) => {
      const session = await HIDDEN_SUM.open(parameters);
      return {
        parameters,
        contribute: (account, vector) => session.contribute(account, vector),
        close: async () => {
          const { sum, survivors } = await session.close();
          const noise = new Float64Array(sum.length);
          fillRoundedGaussian(
            noise,
            noiseMultiplier * (parameters.contributionBound as number),
            random,
          );
          return { sum: sum.map((value, i) => value + (noise[i] as number)), survivors };
        },
      };
    },
  };
}

async function train(
  clients: readonly FederatedClient[],
  trial: Trial = {},
): Promise<Float32Array> {
  const options: FedAvgOptions = {
    runId: 'poisoning',
    rounds: ROUNDS,
    localEpochs: 1,
    localLearningRate: 1,
    clippingNorm: NORM,
    noiseMultiplier: 0,
    normaliser: USERS,
    serverLearningRate: RATE,
    ...(trial.robust === undefined ? {} : { robust: trial.robust }),
  };
  const random = new SeededRandom('noise');
  const environment = {
    ...SIMULATION,
    random,
    secureSum: trial.secureSum ?? hiddenSum(random, trial),
  };
  const run = runFedAvg(environment, model, model.initialParameters(), clients, options);
  let step = await run.next();
  while (!step.done) step = await run.next();
  return step.value.parameters;
}

/** Mean area under the curve over the tags, on the users who are honest in every trial here. */
function quality(parameters: Float32Array): number {
  const users = accounts.slice(60);
  let sum = 0;
  for (let tag = 0; tag < TAGS; tag++) {
    const scores = users.map(({ data }) =>
      data.features.reduce((s, x, i) => s + x * (parameters[tag * WIDTH + i] as number), 0),
    );
    sum += areaUnderCurve(
      scores,
      users.map(({ data }) => data.labels[tag] as number),
    );
  }
  return sum / TAGS;
}

/** Mean probability of a tag. */
function popularity(parameters: Float32Array, tag: number): number {
  let sum = 0;
  for (const { data } of accounts.slice(60)) {
    const features = data.features;
    const out = new Float32Array(TAGS);
    model.predict(parameters, features, 1, out);
    sum += out[tag] as number;
  }
  return sum / (USERS - 60);
}

function distance(a: Float32Array, b: Float32Array): number {
  return l2Norm(a.map((value, i) => value - (b[i] as number)));
}

describe('updates scaled up', () => {
  const hostile = 8;
  const boosted = population(hostile, reversed(1000));

  it('spoil a model where nobody can check the norm', async () => {
    const clean = quality(await train(population(hostile, honest)));
    expect(clean).toBeGreaterThan(0.8);
    // One account in thirty is enough to turn the ranking round.
    expect(quality(await train(boosted))).toBeLessThan(0.5);
  });

  it('count for nothing where the server checks it', async () => {
    const checked = await train(boosted, { secureSum: new PlainSum() });
    expect(checked).toEqual(await train(population(hostile, () => null)));
  });

  it('are cut off where buckets are combined robustly', async () => {
    for (const robust of [
      { kind: 'trimmed-mean', buckets: 20, trim: hostile },
      { kind: 'median', buckets: 20 },
    ] as const) {
      const clean = quality(await train(population(hostile, honest), { robust }));
      const attacked = quality(await train(boosted, { robust }));
      expect(attacked).toBeGreaterThan(clean - 0.03);
    }
  });

  it('are cut off under noise too, where it is small beside a bucket', async () => {
    const robust = { kind: 'trimmed-mean', buckets: 20, trim: hostile } as const;
    const attacked = await train(boosted, { robust, noiseMultiplier: 0.2 });
    expect(quality(attacked)).toBeGreaterThan(0.75);
    expect(quality(await train(boosted, { noiseMultiplier: 0.2 }))).toBeLessThan(0.6);
    // Each bucket carries the whole noise: at the price of a real deployment nothing is left of 12 users.
    expect(quality(await train(boosted, { robust, noiseMultiplier: 4 }))).toBeLessThan(0.75);
  });
});

describe('what the norm bound leaves to accounts that keep to it', () => {
  // Without clipping of the honest a round of plain steps cannot drive two models apart (gradient descent
  // on a convex loss of smoothness L ≤ ¼ with a step below 2/L), so k accounts move the model by at most
  // rounds · rate · k · norm / users from where it would be without them.
  const bound = (hostile: number) => (ROUNDS * RATE * hostile * NORM) / USERS;
  const attacks: Record<string, (account: Account) => FederatedClient> = {
    'labels turned round': labelFlip,
    'updates turned round': reversed(1),
    'a click farm': (account) => clickFarm(account, 0, TAGS),
  };

  it.each(Object.keys(attacks))('%s', async (name) => {
    const secureSum = new PlainSum();
    for (const hostile of [3, 24]) {
      const without = await train(
        population(hostile, () => null),
        { secureSum },
      );
      const attack = attacks[name] as (account: Account) => FederatedClient;
      const moved = distance(await train(population(hostile, attack), { secureSum }), without);
      expect(moved).toBeGreaterThan(0);
      expect(moved).toBeLessThanOrEqual(bound(hostile) * (1 + 1e-3));
    }
  });

  it('grows with the accounts: one in a hundred does little harm, one in ten some', async () => {
    const clean = quality(await train(population(0, honest)));
    for (const [hostile, most] of [
      [3, 0.01],
      [24, 0.1],
    ] as const) {
      for (const attack of [labelFlip, attacks['updates turned round'] as typeof labelFlip]) {
        expect(quality(await train(population(hostile, attack)))).toBeGreaterThan(clean - most);
      }
    }
  });
});

describe('a click farm', () => {
  const farm = (hostile: number) => population(hostile, (account) => clickFarm(account, 0, TAGS));
  const pushed = async (hostile: number, robust?: RobustRule) => {
    const trial = robust === undefined ? {} : { robust };
    const before = popularity(await train(population(hostile, honest), trial), 0);
    return popularity(await train(farm(hostile), trial), 0) - before;
  };

  it('looks like anybody: no rule over buckets sees it, the norm makes each account one vote', async () => {
    for (const hostile of [8, 48]) {
      const plain = await pushed(hostile);
      const robust = await pushed(hostile, { kind: 'trimmed-mean', buckets: 20, trim: 8 });
      expect(plain).toBeGreaterThan(0.01);
      expect(robust).toBeGreaterThan(0.5 * plain);
      expect(Math.max(plain, robust)).toBeLessThan(hostile / USERS);
    }
  });
});
