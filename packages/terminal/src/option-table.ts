import { type Command, Help } from 'commander';

const BEGIN = '<!-- Written by "pnpm options" from what --help says. -->';
const END = '<!-- End of what "pnpm options" writes. -->';

/** A README with the table of all options of a program's commands in place of the one that it has. Throws where it has no place for one. */
export function withOptionTable(readme: string, program: Command): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`expected the lines ${BEGIN} and ${END} in the README, in this order`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${optionTable(program)}\n\n${readme.slice(end)}`;
}

/** A row for each option and meaning, in the order in which the commands have them. */
function optionTable(program: Command): string {
  const commands = new Map<string, string[]>();
  for (const { path, command } of leavesOf(program, [])) {
    const help = new Help();
    for (const option of help.visibleOptions(command)) {
      const { flags } = option;
      if (flags.startsWith('-h,')) continue;
      const row = `\`${flags.replaceAll('|', '\\|')}\` | ${inTable(help.optionDescription(option))}`;
      commands.set(row, [...(commands.get(row) ?? []), `\`${path.join(' ')}\``]);
    }
  }
  return ['| option | what it says | commands |', '|---|---|---|', ...[...commands].map(([row, names]) => `| ${row} | ${names.join(', ')} |`)].join('\n');
}

function leavesOf(command: Command, path: readonly string[]): { readonly path: readonly string[]; readonly command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((sub) => leavesOf(sub, [...path, sub.name()]));
}

/** What Markdown would take for its own: a `<name>` for HTML. */
function inTable(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
