/**
 * `pnpm check [step …]`: everything about the code that is no test, each step with its outcome and time; the output of
 * a step that fails comes after the table.
 */
import { apiReports } from './api-reports.ts';
import { dependencyViolations } from './dependency-rule.ts';
import { packagingProblems } from './packing.ts';
import { build, runTool } from './workspace.ts';

/** Answers what is wrong: nothing when all is well. */
type Step = () => Promise<string>;

const tool = (name: string, ...args: string[]): Step => {
  return async () => {
    const { code, output } = await runTool(name, args);
    return code === 0 ? '' : output.trim() || `${name} ended with code ${code}`;
  };
};

/** In this order: what reads the built packages comes after the build. */
const steps: Record<string, Step> = {
  build: async () => {
    const { code, output } = await build();
    return code === 0 ? '' : output;
  },
  types: tool('turbo', 'run', 'typecheck', '--continue', '--output-logs=errors-only'),
  'types of the workspace': async () => [await tool('tsc', '-p', '.')(), await tool('tsc', '-p', 'scripts/commands')()].join(''),
  lint: tool('oxlint'),
  format: tool('oxfmt', '--check'),
  'dependency rule': async () => dependencyViolations().join('\n'),
  'unused code': tool('knip'),
  'public surface': async () => apiReports({ write: false }).join('\n'),
  packaging: async () => (await packagingProblems()).join('\n\n'),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`pnpm check: no step "${unknown.join('", "')}"; the steps are ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}

const failures: { name: string; problem: string }[] = [];
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  const problem = await step().catch((error: unknown) => String(error));
  if (problem !== '') failures.push({ name, problem });
  console.log(`${problem === '' ? 'ok    ' : 'FAILED'}  ${name.padEnd(24)}${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s`);
}
for (const { name, problem } of failures) console.log(`\n── ${name} ──\n${problem}`);
if (failures.length > 0) {
  console.log(`\ncheck: ${failures.length} failed: ${failures.map(({ name }) => name).join(', ')}`);
  process.exitCode = 1;
}
