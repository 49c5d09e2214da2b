/** What a README says of a command's options is what its help says. */
import { relative } from 'node:path';
import { expect, it } from 'vitest';
import { optionReadmes } from '../scripts/option-readmes.ts';
import { root } from '../scripts/workspace.ts';

it.each(optionReadmes().map((readme) => [relative(root, readme.file), readme] as const))(
  '%s has the options that the command has: run "pnpm options" after a change',
  (_, { found, wanted }) => {
    expect(found).toBe(wanted);
    // A table that has lost its rows would be equal, too.
    expect(wanted.match(/^\| `-/gm)?.length).toBeGreaterThan(20);
  },
);
