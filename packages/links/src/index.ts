export { entityFolders, entityName, numberedName } from './entity-name.ts';
export { LinksFileFault } from './links-file/links-file-fault.ts';
export { readFileName } from './links-file/links-format.ts';
export type { LinksFileName, LinksFormat } from './links-file/links-format.ts';
export { readLinks } from './links-file/read-links.ts';
export type { FaultyRow, LinkRow, LinksBatch, LinksRow, ReadLinksOptions } from './links-file/read-links.ts';
export { MAX_LINE_BYTES } from './links-file/text-lines.ts';
export { endingsOf, kindOf, mimeOf } from './media-type.ts';
export type { ProjectKind } from './media-type.ts';
