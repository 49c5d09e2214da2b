/** `pnpm build`: builds every package that changed. */
import { build } from './workspace.ts';

const { code, output } = await build();
process.stdout.write(output);
process.exitCode = code;
