// Train a tag model on 2,000 clients, with epsilon 1 for each of them, and see what it learnt.
import { SecureRandom } from 'velatura';
import { calibrateGaussian, MemoryBudgetStore, openBudget } from 'velatura/dp';
import {
  FederatedClient,
  PlainSum,
  predictTags,
  trainTagModel,
  withConstant,
} from 'velatura/federated';

const tags = ['garden', 'kitchen', 'toys'];
const prior = { beta: 0.3, labelDensity: 0.25, persistence: 0 };
const clients = Array.from({ length: 2000 }, (_, i) => {
  const taste = Float32Array.from(tags, (_tag, k) => (i % tags.length === k ? 1 : 0));
  const labels = taste.map((own) => (Math.random() < (own === 1 ? 0.8 : 0.1) ? 1 : 0));
  return new FederatedClient(`user-${i}`, {
    rows: 1,
    features: withConstant(taste, 3, prior.beta),
    labels,
  });
});

const target = { epsilon: 1, delta: 1e-6 };
const random = new SecureRandom();
const budget = await openBudget({
  policy: {
    version: 1,
    currency: 'gdp',
    delta: 1e-6,
    user: { epsilon: 1 },
    scenes: { shop: {} },
    reservationLease: 'PT10M',
  },
  unit: 'user',
  relation: 'zero-out-one-user',
  store: new MemoryBudgetStore(),
  secrets: [random.bytes(32)],
});
const outcome = await trainTagModel(
  {
    scene: 'shop',
    relation: 'zero-out-one-user',
    secureSum: new PlainSum(),
    random,
    budget,
    minimumCohort: 100,
  },
  { tags, features: ['(constant)', ...tags], prior, population: 2000 },
  clients,
  {
    runId: 'first',
    method: 'auto',
    noiseMultiplier: calibrateGaussian(target),
    delta: target.delta,
  },
);
if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
const gardener = withConstant(Float32Array.of(1, 0, 0), 3, prior.beta);
const probabilities = predictTags(outcome.model, gardener);
for (const [i, tag] of tags.entries()) console.log(`${tag}: ${probabilities[i].toFixed(2)}`);
