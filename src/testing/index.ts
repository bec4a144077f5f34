export { SeededRandom } from '../core/seeded-random.ts';
export type { ConformanceCase } from './conformance.ts';
export { planConformance, statementConformance } from './plan-conformance.ts';
export { scoringProviderConformance } from './scoring-provider-conformance.ts';
export { secureSumConformance } from './secure-sum-conformance.ts';
export { trainableConformance } from './trainable-conformance.ts';
