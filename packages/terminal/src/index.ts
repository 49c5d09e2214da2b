export { CommandError, USAGE_EXIT } from './command-error.ts';
export { limitHeapGrowth, limitYoungGeneration } from './heap-limits.ts';
export { installedProvider } from './provider-packages.ts';
export type { ImportPackage } from './provider-packages.ts';
export { bytesText, countOf, countText, durationText } from './quantity-text.ts';
export { write } from './terminal.ts';
export type { Output, Terminal } from './terminal.ts';
export { visible } from './visible-text.ts';
