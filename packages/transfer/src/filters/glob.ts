import { StorageError } from '@stowage/core';

/**
 * A pattern over keys, as users of rclone and rsync know them:
 * - `*` any characters but a slash, `**` any characters, `?` one character but a slash, `**\/` any folders or none
 * - `[a-z]` one of these, `[!a-z]` or `[^a-z]` one that is none of these, never a slash; `{a,b}` either; `\` takes the next as it is
 * - a slash in front: from the top of the tree; without one, the pattern may begin behind any slash
 * - a slash at the end: everything in that folder
 *
 * Matching is by code points, case matters, and no character of a key is special. (Libraries for shell globs were measured: they take
 * `(`, `|`, `[!`, `//`, dot names and line breaks in ways of their own, and a pattern that they cannot compile silently matches nothing;
 * where a filter decides what is deleted, that will not do.)
 */
export function compileGlob(pattern: string): RegExp {
  if (pattern === '') throw fault(pattern, 'it is empty');
  const anchored = pattern.startsWith('/');
  const inFolder = pattern.endsWith('/') && pattern !== '/' && !endsInEscape(pattern.slice(0, -1));
  const body = translate(pattern, anchored ? 1 : 0);
  return new RegExp(`${anchored ? '^' : '(?:^|/)'}${body}${inFolder || pattern === '/' ? '.*' : ''}$`, 'su');
}

/** Whether everything in some folders matches, and nothing has to be known of the names in it. */
export function takesFolders(pattern: string): boolean {
  return pattern.endsWith('/**') || (pattern.endsWith('/') && !endsInEscape(pattern.slice(0, -1)));
}

function endsInEscape(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(text);
}

function translate(pattern: string, from: number): string {
  let regex = '';
  let depth = 0;
  const points = Array.from(pattern.slice(from));
  for (let i = 0; i < points.length; i++) {
    const point = points[i] as string;
    switch (point) {
      case '\\':
        if (++i >= points.length) throw fault(pattern, 'it ends in a backslash');
        regex += literal(points[i] as string);
        break;
      case '*':
        if (points[i + 1] !== '*') regex += '[^/]*';
        else {
          while (points[i + 1] === '*') i++;
          const wholeSegment = points[i + 1] === '/' && (regex === '' || regex.endsWith('/'));
          regex += wholeSegment ? '(?:.*/)?' : '.*';
          if (wholeSegment) i++;
        }
        break;
      case '?':
        regex += '[^/]';
        break;
      case '[': {
        const end = classEnd(points, i);
        if (end === undefined) throw fault(pattern, 'a "[" is not closed');
        regex += characterClass(pattern, points.slice(i + 1, end));
        i = end;
        break;
      }
      case '{':
        depth++;
        regex += '(?:';
        break;
      case '}':
        if (depth === 0) throw fault(pattern, 'a "}" closes nothing');
        depth--;
        regex += ')';
        break;
      case ',':
        regex += depth > 0 ? '|' : ',';
        break;
      default:
        regex += literal(point);
    }
  }
  if (depth > 0) throw fault(pattern, 'a "{" is not closed');
  return regex;
}

/** Where the class ends: a "]" right at its beginning belongs to it. */
function classEnd(points: readonly string[], start: number): number | undefined {
  let i = start + 1;
  if (points[i] === '!' || points[i] === '^') i++;
  if (points[i] === ']') i++;
  for (; i < points.length; i++) {
    if (points[i] === '\\') i++;
    else if (points[i] === ']') return i;
  }
  return undefined;
}

function characterClass(pattern: string, points: readonly string[]): string {
  const negated = points[0] === '!' || points[0] === '^';
  let members = '';
  for (let i = negated ? 1 : 0; i < points.length; i++) {
    let point = points[i] as string;
    if (point === '\\') point = points[++i] ?? '\\';
    const isRange = points[i + 1] === '-' && points[i + 2] !== undefined;
    if (!isRange) {
      members += inClass(point);
      continue;
    }
    const last = points[i + 2] as string;
    if ((point.codePointAt(0) ?? 0) > (last.codePointAt(0) ?? 0)) throw fault(pattern, `the range "${point}-${last}" runs backwards`);
    members += `${inClass(point)}-${inClass(last)}`;
    i += 2;
  }
  // A slash is in no class, whatever its ranges say.
  return `(?!/)[${negated ? '^' : ''}${members}]`;
}

function literal(point: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(point) ? (point === '/' ? '/' : `\\${point}`) : point;
}

function inClass(point: string): string {
  return /[\\\]^[-]/.test(point) ? `\\${point}` : point;
}

function fault(pattern: string, why: string): StorageError {
  return new StorageError('InvalidArgument', `${JSON.stringify(pattern)} is no pattern: ${why}; a backslash takes the next character as it is`);
}
