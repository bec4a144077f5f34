import { describe, it } from 'vitest';
import { createNodeSealProvider, HE_PRESETS, insecureNoOpProvider } from '../../src/he/index.ts';
import { scoringProviderConformance } from '../../src/testing/scoring-provider-conformance.ts';

const providers = [await createNodeSealProvider(), insecureNoOpProvider];

describe.each(providers)('provider $name', (provider) => {
  describe.each(Object.entries(HE_PRESETS))('with the %s preset', (_, parameters) => {
    for (const { name, run } of scoringProviderConformance(provider, parameters)) it(name, run);
  });
});
