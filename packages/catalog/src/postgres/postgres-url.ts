import { parse } from 'pg-connection-string';
import type { PoolConfig } from 'pg';
import { CatalogError } from '../catalog-error.ts';
import { quoted } from '../quoted.ts';

/** A URL as the driver wants it. */
export interface PostgresPlace {
  readonly config: PoolConfig;
  /** The URL without its password, for messages. */
  readonly location: string;
  /** A server without TLS will do: `sslmode` is `prefer` or `allow`. */
  readonly plainWillDo: boolean;
}

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS */
const SSL_MODES: readonly string[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Reads a URL by the rules of libpq. Throws `InvalidArgument`; the password never stands in the message. */
export function postgresPlace(url: string): PostgresPlace {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(withMode(url), { useLibpqCompat: true });
  } catch (error) {
    // Of the errors only those of files say something that holds nothing of the URL.
    const file = error instanceof Error && 'path' in error ? `: ${error.message}` : '';
    throw new CatalogError('InvalidArgument', `the URL of the catalog cannot be used${file}; expected postgres://user:password@host:port/database`);
  }
  const { host, port, user, password, database, ssl } = parsed;
  const mode = new Map(Object.entries(parsed)).get('sslmode') as string | undefined;
  if (mode !== undefined && !SSL_MODES.includes(mode)) {
    throw new CatalogError('InvalidArgument', `sslmode: expected ${SSL_MODES.join(', ')}; got ${quoted(mode, 40)}`);
  }
  return {
    config: {
      ...(host ? { host } : undefined),
      ...(port ? { port: Number(port) } : undefined),
      ...(user ? { user } : undefined),
      ...(password ? { password } : undefined),
      ...(database ? { database } : undefined),
      ...(ssl === undefined ? undefined : { ssl: ssl as Exclude<PoolConfig['ssl'], undefined> }),
    },
    location: `postgres://${user ? `${user}@` : ''}${host ?? ''}${port ? `:${port}` : ''}/${database ?? ''}`,
    plainWillDo: mode === 'prefer' || mode === 'allow',
  };
}

/** The parser knows no `allow`; it is `prefer` with the other order of tries. */
function withMode(url: string): string {
  return url.replace(/([?&]sslmode=)allow(?=&|$)/, '$1prefer');
}
