import { type BucketDriver, type ConfigContext, type Provider } from '@stowage/core';
import { entryReader, type Fields } from '@stowage/wire';
import { createBucket } from './create-bucket.ts';
import { diagnose } from './diagnose.ts';
import { googleDriver } from './google-driver.ts';
import { type GoogleOptions, googleSettings } from './google-options.ts';
import { applicationDefault, metadataServer } from './sign-in/ambient.ts';
import { anonymous } from './sign-in/anonymous.ts';
import { serviceAccountFile } from './sign-in/service-account.ts';
import type { SignIn } from './sign-in/sign-in.ts';

const { fault, flag, text, withPort } = entryReader('google');

/** Google Cloud Storage: links begin with `gs://`, `gcs://` or `google://`. */
export const google: Provider<GoogleOptions> = {
  name: 'google',
  schemes: ['google', 'gcs', 'gs'],
  parseConfig,
  open: (options, bucket): BucketDriver => googleDriver(options, bucket),
  diagnose,
  createBucket,
};

const SIGN_INS = ['service_account', 'application_default', 'metadata', 'anonymous'] as const;

/**
 * An entry of `remote_links.yml`, or the main storage's settings. Reads `endpoint`, `port`, `credentials_path`, `sign_in`,
 * `token_endpoint`, `user_project`, `project`, `ca` and `versioned`. Without `sign_in` it is the service account of `credentials_path`; a file
 * beside another way to sign in is refused. The file is read at first use.
 */
function parseConfig(entry: unknown, context: ConfigContext = {}): GoogleOptions {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw fault('', 'a mapping with credentials_path or sign_in');
  const fields = entry as Fields;
  const endpoint = endpointOf(fields);
  const ca = text(fields, 'ca');
  const userProject = text(fields, 'user_project');
  const project = text(fields, 'project');
  const versioned = flag(fields, 'versioned');
  const options: GoogleOptions = {
    credentials: signInOf(fields),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(ca === undefined ? {} : { ca }),
    ...(userProject === undefined ? {} : { userProject }),
    ...(project === undefined ? {} : { project }),
    ...(versioned === undefined ? {} : { versioned }),
  };
  // What cannot work is told here, where the entry is known, and not at the first bucket.
  googleSettings(options);
  if (context.env?.['STORAGE_EMULATOR_HOST'] !== undefined)
    context.onNotice?.('STORAGE_EMULATOR_HOST is set and is not used: the endpoint of the configuration is');
  return options;
}

function signInOf(fields: Fields): SignIn {
  const way = fields['sign_in'] ?? 'service_account';
  const known = SIGN_INS.find((each) => each === way);
  if (known === undefined) throw fault('sign_in', `one of ${SIGN_INS.join(', ')}`);
  const path = text(fields, 'credentials_path');
  const tokenEndpoint = text(fields, 'token_endpoint');
  for (const foreign of ['access_key', 'secret_key', 'iam_role'])
    if (fields[foreign] !== undefined) throw fault(foreign, 'nothing: Google has credentials_path, or sign_in');
  if (known === 'service_account') {
    if (path === undefined)
      throw fault('credentials_path', "the path of the service account's JSON file, or sign_in: application_default, metadata or anonymous");
    return serviceAccountFile(path, tokenEndpoint === undefined ? {} : { tokenEndpoint });
  }
  if (path !== undefined) throw fault('credentials_path', `nothing beside sign_in: ${known}; remove one or the other`);
  if (tokenEndpoint !== undefined) throw fault('token_endpoint', `nothing beside sign_in: ${known}`);
  if (known === 'anonymous') return anonymous();
  if (known === 'metadata') return metadataServer();
  return applicationDefault();
}

function endpointOf(fields: Fields): string | undefined {
  return withPort(fields, text(fields, 'endpoint'));
}
