import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor';
import { publishedPackages, root, type WorkspacePackage } from './workspace.ts';

const off = { logLevel: ExtractorLogLevel.None };
const error = { logLevel: ExtractorLogLevel.Error };

/**
 * The public surface of every published package, as text under `etc/`: a change of it shows in review. `pnpm api`
 * writes the reports; `pnpm check` fails where one is out of date.
 *
 * Compares (or, with `write`, replaces) the report of every published package; answers one line for
 * each thing wrong. Needs a build.
 */
export function apiReports(options: { write: boolean }): string[] {
  const temporary = join(root, 'node_modules/.cache/api-reports');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  mkdirSync(join(root, 'etc'), { recursive: true });
  // A command without exports has no surface that a program could import.
  return publishedPackages().flatMap((one) => Object.keys(one.manifest.exports ?? {}).flatMap((path) => apiReport(one, path, temporary, options.write)));
}

function apiReport({ folder, manifest }: WorkspacePackage, exportPath: string, temporary: string, write: boolean): string[] {
  const projectFolder = join(root, folder);
  const entry = join(projectFolder, typesOf(manifest.exports?.[exportPath]));
  if (!existsSync(entry)) return [`${folder}: ${entry} is missing: run pnpm build`];
  const name = exportPath.replace('.', manifest.name);
  const reportFileName = `${name.replace('@', '').replaceAll('/', '-')}.api.md`;
  const problems: string[] = [];
  const result = Extractor.invoke(
    ExtractorConfig.prepare({
      configObject: {
        projectFolder,
        mainEntryPointFilePath: entry,
        // As a user's compiler resolves it: what was built, not the sources of the workspace.
        compiler: { overrideTsconfig: { extends: join(root, 'tsconfig.base.json'), compilerOptions: { customConditions: [] }, files: [entry] } },
        apiReport: { enabled: true, reportFileName, reportFolder: join(root, 'etc'), reportTempFolder: temporary },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        newlineKind: 'lf',
        messages: {
          compilerMessageReporting: { default: error },
          extractorMessageReporting: {
            default: error,
            // Everything that is exported is public: there are no release tags to forget.
            'ae-missing-release-tag': off,
            // Whether a name is documented is for review to see; the report would repeat it on every line.
            'ae-undocumented': off,
          },
          // The comments are plain JSDoc for people and editors.
          tsdocMessageReporting: { default: off },
        },
      },
      configObjectFullPath: undefined,
      packageJsonFullPath: join(projectFolder, 'package.json'),
    }),
    {
      localBuild: write,
      messageCallback: (message: ExtractorMessage) => {
        message.handled = true;
        if (message.logLevel === ExtractorLogLevel.Error) problems.push(`${folder}: ${message.formatMessageWithLocation(projectFolder)}`);
      },
    },
  );
  if (result.apiReportChanged && !write) {
    problems.push(`etc/${reportFileName}: the public surface of ${name} changed: run pnpm api, read the difference, commit it`);
    const [was, is] = [join(root, 'etc', reportFileName), join(temporary, reportFileName)].map((file) =>
      existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [],
    );
    problems.push(...differingLines(was ?? [], is ?? []));
  }
  return problems;
}

/** The declarations that an entry of `exports` names. */
function typesOf(entry: unknown): string {
  if (typeof entry === 'object' && entry !== null && 'types' in entry && typeof entry.types === 'string') return entry.types;
  throw new Error(`expected an entry of exports to name its types; got ${JSON.stringify(entry)}`);
}

/** Enough of a difference to see what it is about. */
function differingLines(was: string[], is: string[]): string[] {
  const gone = was.filter((line) => !is.includes(line)).map((line) => `  - ${line}`);
  const come = is.filter((line) => !was.includes(line)).map((line) => `  + ${line}`);
  return [...gone, ...come].slice(0, 20);
}
