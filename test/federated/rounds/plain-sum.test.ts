import { describe, it } from 'vitest';
import { PlainSum } from '../../../src/federated/index.ts';
import { secureSumConformance } from '../../../src/testing/index.ts';

describe('PlainSum', () => {
  for (const { name, run } of secureSumConformance(() => new PlainSum())) it(name, run);
});
