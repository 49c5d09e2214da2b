/** One run of a mirror in a process of its own, to be killed. The run is given as JSON; the report goes to standard output. */
import { type ChildRun, runMirror } from './mirror-places.ts';

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
