export { CaseContext } from './case-context.ts';
export type { ConformanceCase, GroupName } from './conformance-case.ts';
export type { BodyBreak, BucketMaker, Harness, MemoryLimits, Opened, StoreFaults } from './harness.ts';
export { expectedEntries } from './listing-model.ts';
export type { ListingBounds } from './listing-model.ts';
export { ODD_KEYS, REFUSED_KEYS } from './odd-keys.ts';
export type { OddKey } from './odd-keys.ts';
export { conformanceCases, runCase, runConformance } from './run-conformance.ts';
export type { Runner } from './run-conformance.ts';
