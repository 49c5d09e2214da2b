import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate authority that lives as long as a test. Disposing removes its key. */
export interface LocalAuthority extends AsyncDisposable {
  /** PEM, for clients to trust. */
  readonly ca: string;
  /** A server's certificate for an address of the loopback, both PEM. */
  issue(address: string): Promise<{ readonly certificate: string; readonly key: string }>;
}

/** Makes an authority with the openssl program; throws with a plain reason where that is not there. */
export async function localAuthority(): Promise<LocalAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'stowage-authority-'));
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: folder });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await openssl(
      'req',
      '-x509',
      ...curve,
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-days',
      '2',
      '-subj',
      '/CN=Stowage test authority',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    );
  } catch (error) {
    await remove();
    throw new Error('no certificate authority could be made: the openssl program is missing or too old', { cause: error });
  }
  let issued = 0;
  return {
    ca: await readFile(join(folder, 'ca.crt'), 'utf8'),
    async issue(address): Promise<{ certificate: string; key: string }> {
      const name = `server-${++issued}`;
      await openssl('req', ...curve, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=Stowage test server');
      await writeFile(
        join(folder, `${name}.ext`),
        `subjectAltName=IP:${address},DNS:localhost\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n`,
      );
      await openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.crt',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.crt`,
      );
      return { certificate: await readFile(join(folder, `${name}.crt`), 'utf8'), key: await readFile(join(folder, `${name}.key`), 'utf8') };
    },
    [Symbol.asyncDispose]: remove,
  };
}
