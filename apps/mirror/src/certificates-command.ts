import { command } from '@stowage/terminal';
import { type Command, Option } from 'commander';
import type { CertificatesRequest } from './certificates.ts';

type Run = (request: CertificatesRequest) => Promise<void>;

const AFTER = `
Files of the folder: ca.crt and ca.key of the authority,
company.pem and company.key of the client; readable by you
alone, and never overwritten unless you say --force.

Examples
  stowage-mirror certs ca --cn my-authority --days 3650
  stowage-mirror certs client --cn my-server --days 365
  stowage-mirror certs check
  stowage-mirror certs anchor`;

/** `certs`: what IAM Roles Anywhere needs, made and checked. */
export function certificatesCommand(run: Run): Command {
  const group = command('certs', 'Makes and checks certificates to sign in to AWS by IAM Roles Anywhere.').addHelpText('after', AFTER);
  const add = (name: CertificatesRequest['command'], description: string, ...options: Option[]): void => {
    const made = command(name, description).addOption(new Option('--folder <folder>', 'where the files are').default('.'));
    for (const option of options) made.addOption(option);
    group.addCommand(made.action((o: Options) => run({ ...o, command: name, force: o.force === true })));
  };
  add('ca', 'Makes an authority: ca.crt and ca.key.', ...SUBJECT, KEY_KIND, FORCE);
  add('client', "Makes a client's pair, signed by the authority: company.pem and company.key.", ...SUBJECT, KEY_KIND, FORCE);
  add('check', "Checks that the client's certificate and key belong together, and can sign in.", ...PAIR, AUTHORITY);
  add('settings', 'Prints the pair as settings, each one line of base64. The key is a secret.', ...PAIR);
  add('anchor', "Prints the authority's certificate for a new trust anchor.", AUTHORITY);
  add(
    'policy',
    "Prints the trust policy of a role that the authority's clients may have.",
    new Option('--trust-anchor-arn <arn>', 'the trust anchor').makeOptionMandatory(),
    new Option('--cn <name>', 'let this client alone have it'),
  );
  return group;
}

/** As commander gives them. */
type Options = Omit<CertificatesRequest, 'command' | 'force'> & { readonly force?: true };

const SUBJECT = [
  new Option('--cn <name>', 'common name (default: $CN)'),
  new Option('--days <N>', 'how long it is valid (default: $DURATION_DAYS)'),
  new Option('--ou <name>', 'organizational unit (default: $OU)'),
  new Option('--o <name>', 'organization (default: $O)'),
];
const KEY_KIND = new Option('--key-kind <kind>', 'kind of key (default: ec)').choices(['ec', 'rsa-2048', 'rsa-3072', 'rsa-4096']);
const FORCE = new Option('--force', 'replace files that are there');
const PAIR = [new Option('--cert <file>', 'certificate (default: company.pem)'), new Option('--key <file>', 'key (default: company.key)')];
const AUTHORITY = new Option('--ca <file>', "the authority's certificate (default: ca.crt)");
