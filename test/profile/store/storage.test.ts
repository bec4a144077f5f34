import { describe, it } from 'vitest';
import { MemoryProfileStorage } from '../../../src/profile/index.ts';
import { profileStorageConformance } from '../../../src/testing/index.ts';

describe('MemoryProfileStorage', () => {
  const cases = profileStorageConformance({
    durable: false,
    async create() {
      const first = new MemoryProfileStorage();
      return { open: async () => new MemoryProfileStorage(first) };
    },
  });
  it.each(cases)('$name', ({ run }) => run());
});
