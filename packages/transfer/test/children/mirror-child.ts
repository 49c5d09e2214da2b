/** One run of a mirror in a process of its own, to be killed. The run is given as JSON; standard output has a line as work begins, then the report. */
import { type ChildRun, runMirror } from './mirror-places.ts';

process.stdout.write('begins\n');
const report = await runMirror(JSON.parse(process.argv[2] ?? '') as ChildRun);
process.stdout.write(
  JSON.stringify({
    counts: report.counts,
    reasons: report.reasons,
    balanced: report.balanced,
    rss: process.resourceUsage().maxRSS,
    cpu: process.resourceUsage().userCPUTime + process.resourceUsage().systemCPUTime,
  }),
);
