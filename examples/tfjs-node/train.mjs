// A model of TensorFlow.js trained federated and privately: 300 clients, every round clipped, noised and booked.
// Runs on @tensorflow/tfjs-node where it is installed, else on WebAssembly: `node train.mjs [tensorflow|wasm|cpu]`.
import { SecureRandom } from 'velatura';
import { MemoryBudgetStore, openBudget } from 'velatura/dp';
import { FederatedClient, PlainSum, rankingMetrics, runFedAvg } from 'velatura/federated';
import { LayersModelTrainable, loadTfjs } from 'velatura/tfjs';

const [backend] = process.argv.slice(2);
const tfjs = await loadTfjs(backend === undefined ? {} : { backend });
const { layers, sequential } = tfjs.layers;
const [inputs, tags] = [6, 3];
const network = sequential({
  layers: [
    layers.dense({ units: 8, inputShape: [inputs], activation: 'tanh' }),
    layers.dense({ units: tags, activation: 'sigmoid' }),
  ],
});
const model = new LayersModelTrainable(network, { tfjs, loss: 'sigmoid' });
console.log(`backend ${tfjs.backend}: ${model.parameterCount} parameters`);

/** One client: three rows of what they looked at, and the tags that they turned out to like. */
function client(i) {
  const rows = 3;
  const features = new Float32Array(rows * inputs);
  const labels = new Float32Array(rows * tags);
  for (let row = 0; row < rows; row++) {
    const taste = (i + row) % tags;
    for (let k = 0; k < inputs; k++) {
      features[row * inputs + k] = (k % tags === taste ? 0.8 : 0.2) * Math.random();
    }
    labels[row * tags + taste] = 1;
  }
  return { rows, features, labels };
}

const delta = 1e-6;
const [rounds, noiseMultiplier, population] = [6, 6, 300];
const random = new SecureRandom();
const budget = await openBudget({
  policy: {
    version: 1,
    currency: 'gdp',
    delta,
    user: { epsilon: 2.5 },
    scenes: { shop: {} },
    reservationLease: 'PT10M',
  },
  unit: 'user',
  relation: 'zero-out-one-user',
  store: new MemoryBudgetStore(),
  secrets: [random.bytes(32)],
});
const run = runFedAvg(
  {
    scene: 'shop',
    relation: 'zero-out-one-user',
    secureSum: new PlainSum(),
    random,
    budget,
    minimumCohort: 100,
  },
  model,
  model.initialParameters(),
  Array.from({ length: population }, (_, i) => new FederatedClient(`user-${i}`, client(i))),
  {
    runId: 'first',
    rounds,
    localEpochs: 1,
    localLearningRate: 2,
    clippingNorm: 1,
    noiseMultiplier,
    normaliser: population,
    serverLearningRate: 4,
    averagedShare: 0.3,
  },
);
const tensors = tfjs.core.memory().numTensors;
let step = await run.next();
while (!step.done) step = await run.next();
const { parameters, completedRounds, refusal } = step.value;
if (refusal !== null) console.log(`stopped by the budget: ${refusal.message}`);

// Made up like the clients, but nobody's: what is measured here costs no one anything.
const [users, features, labels] = [300, [], []];
for (let i = 0; i < users; i++) {
  const made = client(i);
  features.push(...made.features.subarray(0, inputs));
  labels.push(...made.labels.subarray(0, tags));
}
const scores = new Float32Array(users * tags);
model.predict(parameters, Float32Array.from(features), users, scores);
const { macroAuc } = rankingMetrics(scores, Float32Array.from(labels), tags);
console.log(`${completedRounds} rounds, AUC ${macroAuc.toFixed(2)} on people that were made up`);
console.log(
  `tensors kept by ${completedRounds} rounds: ${tfjs.core.memory().numTensors - tensors}`,
);

// From here on it is a model of TensorFlow.js like any other: save it, convert it, serve it.
model.writeWeights(parameters);
network.summary();
