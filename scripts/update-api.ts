/** `pnpm api`: builds, then writes the API reports under `etc/`. Read their difference before you commit it. */
import { apiReports } from './api-reports.ts';
import { build } from './workspace.ts';

const built = await build();
const problems = built.code === 0 ? apiReports({ write: true }) : [built.output];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
