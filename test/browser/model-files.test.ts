import { describe, expect, it } from 'vitest';
import {
  assignSegment,
  loadTagModel,
  MemoryModelStore,
  ModelVersions,
  predictTags,
  type SegmentModel,
  saveTagModel,
  type TagModel,
  tagModelFormat,
} from '../../src/federated/index.ts';

const statement: TagModel['statement'] = {
  unit: 'user',
  relation: 'zero-out-one-user',
  epsilon: { lower: 1, upper: 1 },
  delta: 1e-6,
  accountant: 'gdp',
  trustModel: { server: 's', otherClients: 'o', modelReaders: 'm' },
  sybilAssumption: 'one person, one account',
  bounds: [],
  sideChannelsNotCovered: [],
  insecure: false,
  simulation: null,
  warnings: [],
};
const model: TagModel = {
  kind: 'logistic',
  tags: ['garden', 'kitchen'],
  features: ['(constant)', 'a'],
  weights: Float32Array.of(0.5, 2, -0.5, 1),
  offsets: new Float32Array(2),
  weightNoiseStddev: 0.1,
  statement,
};

describe('in a page', () => {
  it('loads a model, predicts tags, and rolls back', async () => {
    const versions = new ModelVersions({
      store: new MemoryModelStore(),
      format: tagModelFormat({ tags: model.tags, features: model.features }),
    });
    await versions.publish(model);
    await versions.publish({ ...model, weights: new Float32Array(4) });
    const features = Float32Array.of(1, 0.5);
    const second = await versions.current();
    expect([...predictTags(second?.model as TagModel, features)]).toEqual([0.5, 0.5]);
    await versions.rollBack(1);
    const first = await versions.current();
    expect(predictTags(first?.model as TagModel, features)).toEqual(predictTags(model, features));
  });

  it('refuses a model of another schema', () => {
    expect(() => loadTagModel(saveTagModel(model), { tags: ['pets'] })).toThrow('"tags" expected');
  });

  it('tells the owner of the device which segment it is in', () => {
    const segments: SegmentModel = {
      features: ['a', 'b'],
      ball: { radius: 2 },
      centres: Float64Array.of(0.5, 0, -0.5, 0),
      withheld: [1],
      statement,
    };
    expect(assignSegment(segments, [1.2, 0.3])).toBe(0);
    expect(assignSegment(segments, [-7, 0])).toBeNull();
  });
});
