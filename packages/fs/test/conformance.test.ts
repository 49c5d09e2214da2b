import { runConformance } from '@stowage/conformance';
import { diskHarness, memoryFsHarness } from './fs-harness.ts';
import { memoryFs } from './memory-fs.ts';
import { runnerFor } from './vitest-runner.ts';

runConformance(runnerFor('disk'), diskHarness());
runConformance(runnerFor('memfs'), { ...memoryFsHarness(memoryFs()), memory: { skip: "the file system's content is in this process" } });
