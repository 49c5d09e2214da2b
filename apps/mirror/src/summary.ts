import { type MirrorReport, OUTCOME_KINDS, type OutcomeKind } from '@stowage/transfer';
import { visible } from '@stowage/terminal';
import { outcomeWord } from './outcome-words.ts';
import { bytesText, countOf, countText, durationText } from '@stowage/terminal/quantity-text';

/** What a run came to: a table of outcomes, time and rate, and whether all is well. Fits 60 columns. */
export function summaryLines(report: MirrorReport): string[] {
  const rows = OUTCOME_KINDS.map(
    (kind) => [outcomeWord(kind, report), countText(report.counts[kind].objects), bytesText(report.counts[kind].bytes), reasonsText(report, kind)] as const,
  );
  const total = OUTCOME_KINDS.reduce((sum, kind) => sum + report.counts[kind].bytes, 0);
  const table = [['', 'objects', 'bytes', ''] as const, ...rows, ['total', countText(report.keys), bytesText(total), ''] as const];
  return [
    ...table.map(([word, objects, bytes, reasons]) =>
      `${word.padEnd(9)}${objects.padStart(12)}${bytes.padStart(12)}${reasons === '' ? '' : `  ${reasons}`}`.trimEnd(),
    ),
    '',
    rateLine(report),
    ...closingLines(report),
  ];
}

/** Why things were left as they are, where there is more than one way to be. */
function reasonsText({ reasons }: MirrorReport, kind: OutcomeKind): string {
  if (kind === 'updated') return '';
  return Object.entries(reasons)
    .filter(([name]) => name.startsWith(`${kind}:`))
    .map(([name, count]) => `${countText(count)} ${name.slice(kind.length + 1)}`)
    .join(', ');
}

function rateLine({ counts, elapsedMs, mode, dryRun, keys }: MirrorReport): string {
  const seconds = Math.max(elapsedMs, 1) / 1000;
  const objects = counts.copied.objects + counts.updated.objects;
  const bytes = counts.copied.bytes + counts.updated.bytes;
  const took = `in ${durationText(elapsedMs)}`;
  if (mode === 'check' || dryRun || objects === 0) return `${countText(keys)} compared ${took}: ${countText(Math.round(keys / seconds))} keys/s`;
  return `${countOf(objects, 'object')} and ${bytesText(bytes)} copied ${took}: ${countText(Math.round(objects / seconds))} objects/s, ${bytesText(Math.round(bytes / seconds))}/s`;
}

function closingLines(report: MirrorReport): string[] {
  const { guard, stopped, balanced } = report;
  const lines: string[] = [];
  if (stopped?.by === 'store') lines.push(`Stopped: the ${stopped.side} cannot go on: ${visible(stopped.error.message)}`);
  if (stopped?.by === 'listing') lines.push(`Stopped: the listing of the ${stopped.side} failed: ${visible(stopped.error.message)}`);
  if (stopped?.by === 'lock' || stopped?.by === 'limit') lines.push(`Stopped: ${visible(stopped.error.message)}`);
  if (stopped?.by === 'caller') lines.push('Interrupted: what was copied stays; run again to go on.');
  if (guard !== undefined) lines.push(`Nothing was deleted. ${visible(guard.message)}.`);
  if (!balanced) lines.push('The sums do not match: not every key that was listed has an outcome. Please report this.');
  if (lines.length === 0) lines.push(verdict(report));
  return lines;
}

function verdict({ mode, dryRun, counts, destinationDenied }: MirrorReport): string {
  const differences = counts.copied.objects + counts.updated.objects + counts.deleted.objects;
  const troubles = counts.failed.objects + counts.conflict.objects;
  if (mode === 'check') return differences + troubles === 0 ? 'No differences.' : `Not the same: ${countOf(differences + troubles, 'object')}.`;
  if (dryRun)
    return `${countText(counts.copied.objects)} to copy, ${countText(counts.updated.objects)} to update, ${countText(counts.deleted.objects)} to delete; nothing was done.`;
  if (destinationDenied) return 'Nothing was copied: the destination denied every copy.';
  if (troubles > 0) return `Not in sync: ${countOf(troubles, 'object')} failed or in conflict.`;
  return differences === 0 ? '0 to copy: in sync already.' : 'In sync.';
}
