import { visible } from '@stowage/terminal';
import type { Diagnosis, Permission } from '@stowage/core';

/** In the order in which people miss them; what the store was not asked is told as that. */
const PERMISSIONS: readonly Permission[] = ['list', 'read', 'write', 'delete', 'list-uploads'];
const NAME_WIDTH = 14;

/** A diagnosis for people, no line wider than `width` but those to be copied. */
export function diagnosisLines(link: string, diagnosis: Diagnosis, width: number): string[] {
  const { endpoint, problem, access, missing, grant, clockSkewMs, facts, advice } = diagnosis;
  return [
    visible(link) + (endpoint === undefined ? '' : ` at ${visible(endpoint)}`),
    '',
    ...(access === undefined ? [] : PERMISSIONS.flatMap((permission) => permissionLines(permission, diagnosis, width))),
    ...facts.flatMap(({ name, value }) => row(name, visible(value), width)),
    ...(clockSkewMs === undefined ? [] : row('clock', clockText(clockSkewMs), width)),
    ...(missing.some(({ actions }) => actions.length > 0)
      ? ['', 'To ask for:', ...missing.flatMap(({ actions }) => actions.map((action) => `  ${action}`))]
      : []),
    ...(grant === undefined ? [] : ['', 'What grants it:', ...grant.split('\n')]),
    ...(advice.length === 0 ? [] : ['', ...advice.flatMap((text) => wrapped(`Note: ${visible(text)}`, width, 6))]),
    '',
    ...wrapped(verdict(diagnosis, problem?.message), width, 0),
  ];
}

const WORDS = { granted: 'granted', denied: 'DENIED', 'not-probed': 'not asked' } as const;

function permissionLines(permission: Permission, { access, missing }: Diagnosis, width: number): string[] {
  const found = access?.[permission] ?? 'not-probed';
  const cost = missing.find((one) => one.permission === permission)?.cost;
  return row(permission, `${WORDS[found]}${cost === undefined ? '' : `: ${cost}`}`, width);
}

function clockText(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  return seconds === 0 ? "in step with the server's" : `${seconds} s ${ms > 0 ? 'ahead of' : 'behind'} the server's`;
}

function verdict({ healthy, missing }: Diagnosis, problem: string | undefined): string {
  if (problem !== undefined) return `Nothing could be asked: ${visible(problem)}.`;
  if (!healthy) return 'Not healthy: something that is needed is missing.';
  return missing.length > 0 ? 'Healthy; what is missing is not needed for daily work.' : 'Healthy.';
}

function row(name: string, value: string, width: number): string[] {
  return wrapped(`${name.padEnd(NAME_WIDTH)}${value}`, width, NAME_WIDTH);
}

/** Breaks between words; further lines are indented. A word that is too long stays whole, so that it can be copied. */
function wrapped(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let line = text.slice(0, indent);
  for (const word of text.slice(indent).split(' ')) {
    const begun = line.length > indent;
    if (begun && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(indent) + word;
    } else line += begun ? ` ${word}` : word;
  }
  return [...lines, line];
}
