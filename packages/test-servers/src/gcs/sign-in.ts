import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { ApiError } from './api-error.ts';
import { answerJson, bodyBytes, type Exchange } from './request.ts';

/** Who is known, and what they may do: names of https://cloud.google.com/storage/docs/access-control/iam-permissions */
export interface Account {
  readonly email: string;
  /** PEM. */
  readonly publicKey: string;
  readonly permissions: readonly string[];
}

const TOKEN_SECONDS = 3600;
const AUDIENCE = 'https://oauth2.googleapis.com/token';
const METADATA = '/computeMetadata/v1/';

/** The token endpoint, the metadata server of a virtual machine, and who a token belongs to. */
export class SignIn {
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #open: boolean;
  readonly #now: () => Date;
  readonly #tokens = new Map<string, { readonly account: Account; readonly ends: number }>();

  constructor(accounts: readonly Account[], open: boolean, now: () => Date) {
    this.#accounts = new Map(accounts.map((account) => [account.email, account]));
    this.#open = open;
    this.#now = now;
  }

  keyOf(email: string): string | undefined {
    return this.#accounts.get(email)?.publicKey;
  }

  permissionsOf(email: string): readonly string[] {
    return this.#accounts.get(email)?.permissions ?? [];
  }

  /** What the bearer of the request's token may do; undefined for everything. */
  callerOf({ incoming }: Exchange): { readonly email: string; readonly permissions: readonly string[] } | undefined {
    if (this.#open) return undefined;
    const { authorization } = incoming.headers;
    if (authorization === undefined) return { email: '', permissions: [] };
    const token = /^Bearer (\S+)$/.exec(authorization)?.[1] ?? '';
    const known = this.#tokens.get(token);
    if (known === undefined || known.ends < this.#now().getTime()) throw new ApiError(401, 'authError', 'Invalid Credentials');
    return known.account;
  }

  /** RFC 7523 as Google has it: https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
  async token(exchange: Exchange): Promise<void> {
    const form = new URLSearchParams((await bodyBytes(exchange)).toString());
    const fault = this.#faultOf(form);
    if (typeof fault === 'string') return answerJson(exchange, { error: 'invalid_grant', error_description: fault }, 400);
    answerJson(exchange, this.#issue(fault));
  }

  #faultOf(form: URLSearchParams): Account | string {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'Unsupported grant type.';
    const [head = '', body = '', signature = '', ...more] = (form.get('assertion') ?? '').split('.');
    let header: Record<string, unknown>;
    let claims: Record<string, unknown>;
    try {
      header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
      claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    } catch {
      return 'Bad Request';
    }
    if (header['alg'] !== 'RS256' || more.length > 0) return 'Invalid JWT: algorithm.';
    const account = this.#accounts.get(String(claims['iss']));
    if (account === undefined) return 'Invalid grant: account not found';
    if (!verify('sha256', Buffer.from(`${head}.${body}`), createPublicKey(account.publicKey), Buffer.from(signature, 'base64url')))
      return 'Invalid JWT Signature.';
    if (claims['aud'] !== AUDIENCE) return 'Invalid JWT: Failed audience check.';
    const now = this.#now().getTime() / 1000;
    const [iat, exp] = [Number(claims['iat']), Number(claims['exp'])];
    if (!(exp - iat > 0 && exp - iat <= 3600) || exp < now || iat > now + 300)
      return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.';
    if (!/(?:devstorage|cloud-platform)/.test(String(claims['scope']))) return 'Invalid OAuth scope or ID token audience provided.';
    return account;
  }

  #issue(account: Account): unknown {
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    this.#tokens.set(token, { account, ends: this.#now().getTime() + TOKEN_SECONDS * 1000 });
    return { access_token: token, expires_in: TOKEN_SECONDS, token_type: 'Bearer' };
  }

  /** https://cloud.google.com/compute/docs/metadata/querying-metadata: refused without its header, which no browser sends. */
  metadata(exchange: Exchange, account: Account | undefined): void {
    const { incoming, path, answer } = exchange;
    answer.setHeader('metadata-flavor', 'Google');
    if (incoming.headers['metadata-flavor'] !== 'Google') throw new ApiError(403, 'forbidden', 'Missing Metadata-Flavor:Google header.');
    const asked = path.slice(METADATA.length);
    if (account === undefined) throw new ApiError(404, 'notFound', 'No service account.');
    if (asked === 'instance/service-accounts/default/token') return answerJson(exchange, this.#issue(account));
    const texts: Readonly<Record<string, string>> = {
      instance: 'instance/',
      'universe/universe-domain': 'googleapis.com',
      'instance/service-accounts/default/email': account.email,
      'project/project-id': 'stowage-test',
    };
    const text = texts[asked];
    if (text === undefined) throw new ApiError(404, 'notFound', asked);
    answer.writeHead(200, { 'content-type': 'text/plain' }).end(text);
  }

  static isMetadata(path: string): boolean {
    return path.startsWith(METADATA);
  }
}
