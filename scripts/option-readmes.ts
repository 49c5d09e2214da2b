import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stowageLinks } from '../apps/links-importer/src/cli.ts';
import { stowageMirror } from '../apps/mirror/src/cli.ts';
import { withOptionTable } from '../packages/terminal/src/option-table.ts';
import { root } from './workspace.ts';

interface OptionReadme {
  readonly file: string;
  readonly found: string;
  /** With the options that the command has now. */
  readonly wanted: string;
}

/** The README of each command, as it is and as it should be. */
export function optionReadmes(): readonly OptionReadme[] {
  const nothing = async (): Promise<void> => undefined;
  const programs = {
    'apps/mirror': stowageMirror({ mirror: nothing, doctor: nothing, local: nothing, past: nothing, certificates: nothing }),
    'apps/links-importer': stowageLinks(nothing),
  };
  return Object.entries(programs).map(([folder, program]) => {
    const file = join(root, folder, 'README.md');
    const found = readFileSync(file, 'utf8');
    return { file, found, wanted: withOptionTable(found, program) };
  });
}
