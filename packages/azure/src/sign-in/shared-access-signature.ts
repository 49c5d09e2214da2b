/**
 * A shared access signature that somebody gave: its dates and letters are read here, so that what it cannot do is said before a request.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas and …/create-account-sas
 */
import { type ErrorCode, quoted, StorageError } from '@stowage/core';
import { configError } from './sign-in-error.ts';
import type { Right, SignIn, UnsignedRequest } from './sign-in.ts';

export type SasScope = 'account' | 'container' | 'directory' | 'blob';

/** The letters that allow each right, any of them. A `c` creates what is not there, in one request; blocks need `w`. */
const LETTERS: Readonly<Record<Exclude<Right, 'none'>, readonly [letters: string, word: string]>> = {
  read: ['r', 'read'],
  list: ['l', 'list'],
  create: ['wc', 'write'],
  write: ['w', 'write'],
  delete: ['d', 'delete'],
  'delete-version': ['x', 'delete version'],
  tags: ['t', 'tags'],
  'create-container': ['cw', 'create'],
};

const SCOPES: Readonly<Record<string, SasScope>> = { c: 'container', d: 'directory', b: 'blob', bv: 'blob', bs: 'blob' };

/** Clocks differ by some seconds everywhere: a start this close is left to the service to judge. */
const START_SLACK_MS = 60_000;

export class SharedAccessSignature implements SignIn {
  readonly kind = 'sas';
  readonly account: string | undefined;
  readonly scope: SasScope;
  /** Undefined where a stored access policy has them. */
  readonly letters: string | undefined;
  readonly start: Date | undefined;
  /** Undefined where a stored access policy has it. */
  readonly end: Date | undefined;
  readonly #parameters: ReadonlyMap<string, string>;

  /** With or without the `?` before it. Throws `Config` for what is no SAS of Blob Storage, and never repeats it. */
  constructor(token: string, account?: string) {
    this.account = account;
    this.#parameters = parametersOf(token);
    const signature = this.#parameters.get('sig') ?? '';
    if (!/^[A-Za-z0-9+/]{43}=$/.test(signature))
      throw configError('the SAS token: expected "sig=" with the base64 of 32 bytes behind it; copy the token again, whole and as it is');
    if (!this.#parameters.has('sv')) throw configError('the SAS token: expected "sv=" with the version of the service; copy the token again, whole');
    const services = this.#parameters.get('ss');
    const resource = this.#parameters.get('sr') ?? '';
    if (services === undefined && SCOPES[resource] === undefined)
      throw configError(`the SAS token: expected one of an account, a container or a blob of Blob Storage; got sr=${quoted(resource, 20)}`);
    if (services?.includes('b') === false)
      throw configError(`the SAS token is for the services ${quoted(services, 8)}, which are not Blob Storage: make one with ss=b`);
    this.scope = services === undefined ? (SCOPES[resource] as SasScope) : 'account';
    this.letters = this.#parameters.get('sp');
    this.start = this.#date('st');
    this.end = this.#date('se');
    if (!this.#parameters.has('si') && (this.letters === undefined || this.end === undefined))
      throw configError(
        `the SAS token: expected ${this.letters === undefined ? '"sp=" with its permissions' : '"se=" with its end'}; copy the token again, whole`,
      );
  }

  /** Not kept as a property: whoever prints a driver shall not see it. */
  get secrets(): readonly string[] {
    return [this.#parameters.get('sig') ?? ''];
  }

  /** Whether it was made for https alone. */
  get httpsOnly(): boolean {
    return this.#parameters.get('spr') === 'https';
  }

  check(right: Right): void {
    const now = Date.now();
    if (this.end !== undefined && this.end.getTime() <= now)
      throw refused('Unauthenticated', `the SAS expired on ${moment(this.end)}, by this machine's clock (${moment(new Date(now))}); get a new one`);
    if (this.start !== undefined && this.start.getTime() > now + START_SLACK_MS)
      throw refused('Unauthenticated', `the SAS is valid from ${moment(this.start)} on, and this machine's clock says ${moment(new Date(now))}`);
    const lack = this.lack(right);
    if (lack !== undefined) throw refused('AccessDenied', `the SAS lacks ${lack}; ask for one that has it (it has ${quoted(this.letters ?? '', 30)})`);
  }

  /** What is missing for the right: `"l" (list)`; undefined where it is there, or where only the service knows. */
  lack(right: Right): string | undefined {
    if (right === 'none') return undefined;
    if (right === 'create-container' && this.scope !== 'account') return 'containers: only a SAS of the account can make one (ss=b, srt=c, sp=c)';
    const types = this.scope === 'account' ? this.#parameters.get('srt') : undefined;
    if (types !== undefined && right === 'create-container' && !types.includes('c')) return 'the resource type "c" (container) in srt';
    if (types !== undefined && right === 'list' && !types.includes('c')) return 'the resource type "c" (container) in srt, which a listing needs';
    if (types !== undefined && right !== 'list' && right !== 'create-container' && !types.includes('o')) return 'the resource type "o" (object) in srt';
    if (this.letters === undefined) return undefined;
    if (right === 'list' && this.scope === 'blob') return '"l" (list), which only a SAS of a container or an account can have';
    const [letters, word] = LETTERS[right];
    if (Array.from(letters).some((letter) => this.letters?.includes(letter))) return undefined;
    return `"${letters[0]}" (${word})`;
  }

  sign({ query }: UnsignedRequest): void {
    for (const [name, value] of this.#parameters) query[name] = value;
  }

  #date(name: string): Date | undefined {
    const text = this.#parameters.get(name);
    if (text === undefined) return undefined;
    const date = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text) ? new Date(text) : new Date(Number.NaN);
    if (Number.isNaN(date.getTime())) throw configError(`the SAS token: expected a date and time (UTC) in "${name}="; got ${quoted(text, 40)}`);
    return date;
  }
}

/** `+` stays: a signature that was not encoded for a URL holds it. */
function parametersOf(token: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of token.trim().replace(/^\?/, '').split('&')) {
    const [, name, value] = /^([a-z]{2,6})=(.+)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined)
      throw configError('the SAS token: expected "name=value" joined by "&", as in ?sv=…&sp=…&se=…&sig=…; a part of it is something else');
    if (parameters.has(name)) throw configError(`the SAS token: expected each name once; "${name}" is there twice`);
    try {
      parameters.set(name, decodeURIComponent(value));
    } catch {
      // The error of `decodeURIComponent` says nothing of use, and the value may be secret.
      throw configError(`the SAS token: the value of "${name}" is not encoded as a URL's is; copy the token again`);
    }
  }
  return parameters;
}

function moment(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Of the operation that was refused, whichever it is: no request was made. */
function refused(code: ErrorCode, message: string): StorageError {
  return new StorageError(code, message, { provider: 'azure' });
}
