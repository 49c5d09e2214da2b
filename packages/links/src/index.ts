export { checkLinks, FINDINGS } from './check/check-links.ts';
export type { CheckJob, CheckOptions, CheckReport, Finding, FindingKind } from './check/check-links.ts';
export { entityFolders, entityName, numberedName } from './entity-name.ts';
export { importLinks } from './import/import-links.ts';
export type { ImportJob, ImportObserver, ImportOptions, ImportProgress, ImportReport, LinksSource } from './import/import-options.ts';
export { importReportFiles } from './import/import-report-files.ts';
export type { ImportReportFiles, ReportLengths } from './import/import-report-files.ts';
export { LINE_OUTCOMES } from './import/line-outcome.ts';
export type { LineOutcome, LineOutcomeKind, LineReason, LineTally } from './import/line-outcome.ts';
export type { Verification } from './import/verify-link.ts';
export { LinksFileFault } from './links-file/links-file-fault.ts';
export { readFileName } from './links-file/links-format.ts';
export type { LinksFileName, LinksFormat } from './links-file/links-format.ts';
export { readLinks } from './links-file/read-links.ts';
export type { FaultyRow, LinkRow, LinksBatch, LinksRow, ReadLinksOptions } from './links-file/read-links.ts';
export { MAX_LINE_BYTES } from './links-file/text-lines.ts';
export { endingsOf, kindOf, mimeOf } from './media-type.ts';
export type { ProjectKind } from './media-type.ts';
export { HASH_METADATA } from './migrate/content-digest.ts';
export { SMALL_BYTES } from './migrate/migrate-options.ts';
export type {
  EntitiesMapEntry,
  MigrateJob,
  MigrateLayout,
  MigrateObserver,
  MigrateOptions,
  MigrateOutcome,
  MigrateProgress,
  MigrateReason,
  MigrateReport,
  ProjectLike,
} from './migrate/migrate-options.ts';
export { migrateProject } from './migrate/migrate-project.ts';
export { scanLinks } from './scan/scan-links.ts';
export type { ScanFilter, ScanOptions, ScanPage } from './scan/scan-links.ts';
export { setRemoteImages, setRemoteVideos } from './set-remote.ts';
export type { SetRemoteCall } from './set-remote.ts';
export { unlinkEntities } from './unlink-entities.ts';
export type { UnlinkOptions, UnlinkResult } from './unlink-entities.ts';
