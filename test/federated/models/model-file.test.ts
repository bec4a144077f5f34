import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { PrivacyStatement } from '../../../src/dp/index.ts';
import {
  createModel,
  type ModelArchitecture,
} from '../../../src/federated/models/model-architecture.ts';
import { canonicalJson } from '../../../src/federated/models/model-file.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../src/federated/models/safetensors.ts';
import { predictTags, type TagModel } from '../../../src/federated/models/tag-model.ts';
import { loadTagModel, saveTagModel } from '../../../src/federated/models/tag-model-file.ts';
import type { Tensor } from '../../../src/federated/models/tensor.ts';
import {
  loadTrainedModel,
  saveTrainedModel,
  type TrainedModel,
} from '../../../src/federated/models/trained-model-file.ts';

const statement: PrivacyStatement = {
  unit: 'user',
  relation: 'zero-out-one-user',
  epsilon: { lower: 0.99, upper: 1 },
  delta: 1e-6,
  accountant: 'gdp',
  trustModel: { server: 's', otherClients: 'o', modelReaders: 'm' },
  sybilAssumption: 'one person, one account',
  bounds: ['norm 1'],
  sideChannelsNotCovered: ['time'],
  insecure: false,
  simulation: null,
  warnings: [],
};
const model: TagModel = {
  kind: 'logistic',
  tags: ['garden', 'küche'],
  features: ['(constant)', 'a', 'b'],
  weights: Float32Array.of(1, -2, 0.5, 0.1, 3, -0.25),
  offsets: Float32Array.of(0.5, -0.5),
  weightNoiseStddev: 0.125,
  statement,
};

const refusal = expect.objectContaining({ code: 'federated/invalid-model-file' });

/** The same file with other metadata or tensors. */
function altered(
  bytes: Uint8Array,
  change: (file: { metadata: Map<string, string>; tensors: Map<string, Tensor> }) => void,
): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const file = { metadata: new Map(metadata), tensors: new Map(tensors) };
  change(file);
  return encodeSafetensors(file);
}

describe('a tag model in a file', () => {
  const bytes = saveTagModel(model);

  it('comes back as it was, and predicts the same', () => {
    for (const kind of ['logistic', 'linear'] as const) {
      const loaded = loadTagModel(saveTagModel({ ...model, kind }), model);
      expect(loaded).toEqual({ ...model, kind });
      const features = Float32Array.of(1, 0.2, -0.7, 1, 0, 4);
      expect(predictTags(loaded, features)).toEqual(predictTags({ ...model, kind }, features));
    }
  });

  it('gives equal bytes for equal models', () => {
    const reordered = Object.fromEntries(Object.entries(statement).reverse());
    expect(saveTagModel({ ...model, statement: reordered as never })).toEqual(bytes);
  });

  it('is labelled by what its statement earns', () => {
    const label = (changed: Partial<PrivacyStatement>) => {
      const file = saveTagModel({ ...model, statement: { ...statement, ...changed } });
      return decodeSafetensors(file).metadata.get('privacy');
    };
    expect(label({})).toBe('differentially-private');
    expect(label({ insecure: true })).toBe('insecure-noise');
    expect(label({ epsilon: null, accountant: 'none' })).toBe('non-private');
  });

  it('refuses a file that looks more private than it is', () => {
    const open = saveTagModel({
      ...model,
      statement: { ...statement, epsilon: null, accountant: 'none' },
    });
    const lie = altered(open, ({ metadata }) => metadata.set('privacy', 'differentially-private'));
    expect(() => loadTagModel(lie)).toThrow(refusal);
    expect(loadTagModel(open).statement.epsilon).toBeNull();
  });

  it('refuses the tags or features of another schema by name', () => {
    expect(() => loadTagModel(bytes, { tags: ['garden', 'pets'] })).toThrow(
      '"tags" expected the 2 of the schema, got a model of 2; number 1 is "küche", not "pets"',
    );
    expect(() => loadTagModel(bytes, { features: ['(constant)', 'a'] })).toThrow(
      '"features" expected the 2 of the schema, got a model of 3',
    );
    expect(() => loadTagModel(bytes, { tags: ['garden', 'küche', 'x'] })).toThrow(refusal);
  });

  const f32 = (shape: readonly number[], ...values: number[]) => ({
    shape,
    values: Float32Array.from(values),
  });
  const changes: readonly [string, Parameters<typeof altered>[1]][] = [
    ['another format', ({ metadata }) => metadata.set('format', 'velatura-model/2')],
    ['no format', ({ metadata }) => metadata.delete('format')],
    ['no statement', ({ metadata }) => metadata.delete('statement')],
    ['no label', ({ metadata }) => metadata.delete('privacy')],
    ['metadata nobody knows', ({ metadata }) => metadata.set('note', 'x')],
    ['a statement that is no JSON', ({ metadata }) => metadata.set('statement', '{')],
    [
      'a statement nested too deep',
      ({ metadata }) => metadata.set('statement', '['.repeat(2e5) + ']'.repeat(2e5)),
    ],
    ['a tag twice', ({ metadata }) => metadata.set('tags', '["a","a"]')],
    ['tags that are numbers', ({ metadata }) => metadata.set('tags', '[1,2]')],
    ['JSON with spaces', ({ metadata }) => metadata.set('tags', '["garden", "küche"]')],
    ['an architecture without kind', ({ metadata }) => metadata.set('architecture', '{}')],
    [
      'an unknown kind',
      ({ metadata }) => metadata.set('architecture', '{"kind":"x","weightNoiseStddev":0}'),
    ],
    [
      'negative noise',
      ({ metadata }) =>
        metadata.set('architecture', '{"kind":"linear-tags","weightNoiseStddev":-1}'),
    ],
    ['too few tags for the weights', ({ metadata }) => metadata.set('tags', '["garden"]')],
    ['a tensor missing', ({ tensors }) => tensors.delete('offsets')],
    ['a tensor too many', ({ tensors }) => tensors.set('x', f32([1], 1))],
    ['weights transposed', ({ tensors }) => tensors.set('weights', f32([3, 2], 1, 2, 3, 4, 5, 6))],
    ['weights flat', ({ tensors }) => tensors.set('weights', f32([6], 1, 2, 3, 4, 5, 6))],
    [
      'weights of float64',
      ({ tensors }) => tensors.set('offsets', { shape: [2], values: new Float64Array(2) }),
    ],
    ['NaN', ({ tensors }) => tensors.set('offsets', f32([2], 0, NaN))],
    ['an infinity', ({ tensors }) => tensors.set('offsets', f32([2], 0, -Infinity))],
  ];
  it.each(changes)('refuses %s', (_, change) => {
    expect(() => loadTagModel(altered(bytes, change))).toThrow(refusal);
  });

  const lies: readonly [string, object][] = [
    ['an unknown unit', { unit: 'household' }],
    ['an unknown relation', { relation: 'none' }],
    ['a negative epsilon', { epsilon: { lower: null, upper: -1 } }],
    ['an interval upside down', { epsilon: { lower: 2, upper: 1 } }],
    ['a delta above 1', { delta: 2 }],
    ['an unknown accountant', { accountant: 'trust-me' }],
    ['an epsilon without accountant', { accountant: 'none' }],
    ['an accountant without epsilon', { epsilon: null }],
    ['a field nobody knows', { certified: true }],
    ['an adversary missing', { trustModel: { server: 's', otherClients: 'o' } }],
    ['bounds that are no list', { bounds: 'none' }],
  ];
  it.each(lies)('refuses a statement with %s, writing and reading', (_, change) => {
    const wrong = { ...statement, ...change } as PrivacyStatement;
    expect(() => saveTagModel({ ...model, statement: wrong })).toThrow(refusal);
    const file = altered(bytes, ({ metadata }) => metadata.set('statement', canonicalJson(wrong)));
    expect(() => loadTagModel(file)).toThrow(refusal);
  });

  it('refuses to write what could not be read back', () => {
    const wrong: readonly Partial<TagModel>[] = [
      { tags: ['a', 'a'] },
      { tags: ['a'] },
      { weights: new Float32Array(5) },
      { offsets: Float32Array.of(0, NaN) },
      { statement: { ...statement, delta: NaN } },
    ];
    for (const change of wrong) {
      expect(() => saveTagModel({ ...model, ...change })).toThrow(refusal);
    }
  });

  it('is not taken for a trained model, nor the other way round', () => {
    expect(() => loadTrainedModel(bytes)).toThrow(refusal);
    const trained = saveTrainedModel(trainedOf(ARCHITECTURES[0] as ModelArchitecture));
    expect(() => loadTagModel(trained)).toThrow(refusal);
  });
});

const ARCHITECTURES: readonly ModelArchitecture[] = [
  { kind: 'logistic', inputDimension: 4, outputDimension: 6 },
  { kind: 'softmax', inputDimension: 4, classes: 3, tags: 2 },
  { kind: 'softmax', inputDimension: 4, classes: 6 },
  { kind: 'regression', inputDimension: 4, outputDimension: 2, bounds: { lower: -1, upper: 5 } },
  {
    kind: 'multilayer-perceptron',
    inputDimension: 4,
    hidden: [5, 3],
    outputDimension: 2,
    activation: 'relu',
    seed: 'x',
    loss: 'sigmoid',
  },
  {
    kind: 'multilayer-perceptron',
    inputDimension: 4,
    hidden: [],
    outputDimension: 6,
    activation: 'tanh',
    seed: 7,
    loss: 'softmax',
    classes: 3,
  },
  {
    kind: 'embedding-bag',
    items: 20,
    capacity: 4,
    weighted: false,
    pooling: 'mean',
    dimension: 3,
    hidden: [4],
    outputDimension: 2,
    activation: 'tanh',
    seed: 1,
    loss: 'regression',
    bounds: { lower: 0, upper: 2 },
  },
];

function trainedOf(architecture: ModelArchitecture): TrainedModel {
  const { parameterCount } = createModel(architecture);
  const random = new SeededRandom(3);
  return {
    architecture,
    tags: ['garden', 'küche'],
    features: architecture.kind === 'embedding-bag' ? [] : ['a', 'b', 'c', 'd'],
    parameters: Float32Array.from({ length: parameterCount }, () => random.uniform() - 0.5),
    statement,
  };
}

describe.each(ARCHITECTURES)('a trained $kind in a file', (architecture) => {
  const trained = trainedOf(architecture);
  const bytes = saveTrainedModel(trained);

  it('comes back as it was, and predicts the same', () => {
    const loaded = loadTrainedModel(bytes, trained);
    expect(loaded).toEqual(trained);
    const outputs = [trained, loaded].map((file) => {
      const { outputDimension, ...built } = createModel(file.architecture);
      expect(built.inputDimension).toBe(4);
      const out = new Float32Array(2 * outputDimension);
      const features = Float32Array.of(1, 2, 3, -1, 0, 4, 5, 6);
      createModel(file.architecture).predict(file.parameters, features, 2, out);
      return out;
    });
    expect(outputs[0]).toEqual(outputs[1]);
    expect(outputs[0]?.some((value) => value !== 0)).toBe(true);
  });

  it('is refused where its shape differs', () => {
    const wrong: readonly Partial<TrainedModel>[] = [
      { parameters: trained.parameters.subarray(1) },
      { tags: ['a', 'b', 'c', 'd', 'e'] },
      { tags: [] },
      { features: ['a'] },
      { architecture: { ...architecture, outputDimension: 2.5 } as ModelArchitecture },
      { architecture: { ...architecture, kind: 'x' } as unknown as ModelArchitecture },
      { architecture: { ...architecture, more: 1 } as unknown as ModelArchitecture },
    ];
    for (const change of wrong) {
      expect(() => saveTrainedModel({ ...trained, ...change })).toThrow(refusal);
    }
    expect(() => loadTrainedModel(bytes, { tags: ['garden'] })).toThrow(refusal);
    const layer = createModel(architecture).layers[0]?.name as string;
    expect(() => loadTrainedModel(altered(bytes, ({ tensors }) => tensors.delete(layer)))).toThrow(
      refusal,
    );
  });
});

it('allocates nothing for an architecture far larger than its file', () => {
  const small = saveTrainedModel(trainedOf(ARCHITECTURES[4] as ModelArchitecture));
  const huge = canonicalJson({ ...ARCHITECTURES[4], hidden: [2 ** 20, 2 ** 20, 2 ** 20] });
  const file = altered(small, ({ metadata }) => metadata.set('architecture', huge));
  expect(() => loadTrainedModel(file)).toThrow(refusal);
});

it('refuses dimensions that do not fit together', () => {
  const architecture: ModelArchitecture = {
    ...(ARCHITECTURES[5] as Extract<ModelArchitecture, { kind: 'multilayer-perceptron' }>),
    classes: 4,
  };
  expect(() => createModel(architecture)).toThrow(refusal);
});
