/** `pnpm options`: writes the tables of options in the READMEs of the commands from what their help says. */
import { writeFileSync } from 'node:fs';
import { optionReadmes } from './option-readmes.ts';

for (const { file, wanted } of optionReadmes()) writeFileSync(file, wanted);
