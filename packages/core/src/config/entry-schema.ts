/**
 * The shape of an entry of `remote_links.yml`, as it is written: the one schema, from which the JSON Schema for editors is made.
 * Every `error` is what stands behind "expected" in a message. What no shape can say is in entry-rules.ts; what only a provider
 * knows is its own `parseConfig`'s to check.
 */
import * as z from 'zod';

const TEXT_ERROR = 'a text, "${NAME}" for a variable of the environment, or { file: path }';
const NAMED_FILE = z
  .strictObject({ file: z.string(TEXT_ERROR).min(1, TEXT_ERROR) }, TEXT_ERROR)
  .meta({ description: 'The value is the content of this file, without its last line end.' });

/** A text, or where to take it from. */
const text = z.union([z.string().min(1), NAMED_FILE], TEXT_ERROR).meta({ id: 'text' });
const secret = text.meta({ description: 'A secret: better as "${NAME}" or { file: path } than in this file.' });
const described = (description: string): typeof text => text.meta({ description });

/** A field that is on or off, and may be left out. */
const flag = (description: string): z.ZodOptional<z.ZodBoolean> => z.boolean('true or false').meta({ description }).optional();

const BUCKETS_ERROR = 'a list of the names of buckets: [name, name]';
const buckets = z.array(text, BUCKETS_ERROR).min(1, BUCKETS_ERROR).meta({ description: 'The buckets that links may name.' });

const minio = z.looseObject({
  provider: z.literal('minio'),
  endpoint: described('Host of the service, with or without scheme and port: s3.amazonaws.com. IAM Roles Anywhere may leave it out.').optional(),
  region: text.optional(),
  path_style: flag('Name buckets in the path. Default: false on AWS, true elsewhere.'),
  store: z
    .enum(['aws', 'minio', 'versitygw', 's3'], 'one of aws, minio, versitygw, s3')
    .meta({ description: "What the server is, where it is one that is known. Default: aws on Amazon's hosts, else s3, which every server can be taken for." })
    .optional(),
  ca: described(
    "PEM of the authorities whose certificates are trusted, instead of those that are known everywhere: for a server with a company's own. Better as { file: path }.",
  ).optional(),
  transport: z
    .enum(['lean', 'sdk'], 'lean or sdk')
    .meta({ description: "Whether the hot calls are signed requests of Stowage's own, or everything goes through the AWS SDK. Default: lean." })
    .optional(),
  etag_is_md5: flag('Whether the ETag of an object written at once is its MD5: so where nothing is encrypted with KMS or keys of the caller. Default: false.'),
  versioned: flag('Whether the buckets keep versions. Default: false.'),
  access_key: described("The key's id.").optional(),
  secret_key: secret.optional(),
  session_token: secret.optional(),
  iam_role: described(
    "On AWS: the name of the instance's role, instead of the two keys. A role's ARN: it is assumed, by the keys beside it or by the instance.",
  ).optional(),
  trust_anchor_arn: described('IAM Roles Anywhere.').optional(),
  profile_arn: described('IAM Roles Anywhere.').optional(),
  iam_role_cert: described("IAM Roles Anywhere: the client's certificate, base64 of PEM or PEM.").optional(),
  iam_role_key: described("IAM Roles Anywhere: the client's private key, base64 of PEM or PEM. A secret.").optional(),
  sign_in: described('The way to sign in, where the fields alone do not say it: environment, profile, container, web_identity or anonymous.').optional(),
  profile: described('The profile of the files that the AWS tools share, instead of the two keys.').optional(),
  web_identity_token_file: described("The token's file, for the role of iam_role; a relative path starts at this file's folder.").optional(),
  role_session_name: described("The session's name where a role is assumed. Default: stowage").optional(),
  external_id: described("What the role's trust policy may ask for.").optional(),
  duration_seconds: described('How many seconds the credentials of a role last, 900 to 43200. Default: 3600.').optional(),
  sts_endpoint: described('URL of the Security Token Service where it is not AWS that has the role.').optional(),
  buckets,
});

const azure = z.looseObject({
  provider: z.literal('azure'),
  endpoint: described(
    'Default: https://<access_key>.blob.core.windows.net. Of an emulator with the account in the path: http://127.0.0.1:10000/<account>',
  ).optional(),
  access_key: described('The name of the storage account.').optional(),
  secret_key: described('The account key, or a SAS token that begins with "?". A secret: better as "${NAME}" or { file: path }.').optional(),
  connection_string: described('As the portal shows it, instead of endpoint and keys. A secret: better as "${NAME}" or { file: path }.').optional(),
  sign_in: described('Without keys: managed_identity, for the identity of the machine, or anonymous, for containers that are open to everyone.').optional(),
  client_id: described('With managed_identity: which of the identities of the machine. Default: the only one.').optional(),
  ca: described('PEM of the authorities whose certificates are trusted, instead of those that are known everywhere. Better as { file: path }.').optional(),
  versioned: flag('Whether the account keeps versions of blobs. Default: false.'),
  delete_snapshots: flag('Whether a deletion takes the snapshots of a blob along. Default: false, and a blob that has some is not deleted.'),
  copy_from_urls: flag('Whether copies may be taken from other stores by presigned URL, which Azure must be able to reach. Default: false.'),
  service_version: described("Version of the service's interface, where it is older than 2026-02-06.").optional(),
  buckets,
});

const google = z.looseObject({
  provider: z.literal('google'),
  endpoint: described('Default: storage.googleapis.com').optional(),
  credentials_path: described("The service account's JSON file; a relative path starts at this file's folder.").optional(),
  sign_in: described(
    'Without a file: application_default, for what the machine offers, metadata, for the account of the virtual machine, or anonymous, for buckets that are open to everyone.',
  ).optional(),
  token_endpoint: described("Where the service account's tokens are asked for. Default: https://oauth2.googleapis.com/token").optional(),
  project: described("The project that new buckets belong to. Default: that of the service account's file.").optional(),
  user_project: described('The project that pays, where the bucket has its readers pay.').optional(),
  ca: described('PEM of the authorities whose certificates are trusted, instead of those that are known everywhere. Better as { file: path }.').optional(),
  versioned: flag('Whether the buckets keep versions. Default: false.'),
  buckets,
});

const fs = z.looseObject({
  provider: z.literal('fs'),
  path: described("The folder; a relative path starts at this file's folder."),
  storage_id: described('What links name it by: fs://<storage_id>/<key>. Default: the name of the entry.').optional(),
  create: z
    .boolean('true or false')
    .meta({ description: 'Make the folder where it is missing. Default: false, for a disk that is not mounted looks like that.' })
    .optional(),
  symlinks: z
    .enum(['files', 'skip'], 'files or skip')
    .meta({ description: 'Read links to files inside the folder as these files, or skip every link. Default: files.' })
    .optional(),
  durability: z.enum(['full', 'none'], 'full or none').meta({ description: 'Whether what was written survives a power cut. Default: full.' }).optional(),
});

const HOSTS_ERROR = 'a list of hosts: [files.internal, "*.lab.internal", files.internal:9000]';
const NETWORKS_ERROR = 'a list of networks: [10.20.0.0/16, 192.168.1.7]';
const PORTS_ERROR = 'a list of ports: [80, 443]';
const SIZE_ERROR = 'a size such as 512m or 10g';
const DURATION_ERROR = 'a duration such as 30s, 10m or 1h';
/** Numbers of a YAML file come as texts, those of JSON as numbers. */
const numeral = (error: string): z.ZodUnion<readonly [typeof text, z.ZodNumber]> => z.union([text, z.number()], error);

/** What public links may reach; at most one entry. Without one every default of the provider holds. */
const http = z.looseObject({
  provider: z.literal('http'),
  allow_hosts: z
    .array(text, HOSTS_ERROR)
    .meta({ description: 'Hosts of your own, which may have private addresses and be asked over plain http. Default: none.' })
    .optional(),
  allow_networks: z.array(text, NETWORKS_ERROR).meta({ description: 'Networks of your own, which are then as public ones. Default: none.' }).optional(),
  allow_ports: z.array(numeral(PORTS_ERROR), PORTS_ERROR).meta({ description: 'Ports that may be asked. Default: 80, 443, 8080, 8443.' }).optional(),
  allow_http: z.boolean('true or false').meta({ description: 'Read http:// links of every host, not https:// alone. Default: false.' }).optional(),
  max_size: numeral(SIZE_ERROR).meta({ description: 'Most bytes of one answer: 10g. Default: 64g.' }).optional(),
  max_redirects: numeral('a whole number').meta({ description: 'How many redirects are followed. Default: 5.' }).optional(),
  answer_timeout: numeral(DURATION_ERROR).meta({ description: 'Until an answer must begin. Default: 30s.' }).optional(),
  silence_timeout: numeral(DURATION_ERROR).meta({ description: 'How long a body may be silent. Default: 30s.' }).optional(),
  total_timeout: numeral(DURATION_ERROR).meta({ description: 'For a request with its whole body. Default: 1h.' }).optional(),
  ca: described("PEM of authorities to trust instead of Node's own, or { file: path }.").optional(),
});

const other = z.looseObject({ provider: z.string(), buckets });

const SHAPES: Readonly<Record<string, z.ZodObject>> = { minio, azure, google, fs, http };

/** The providers whose entries have a shape here. */
export const CONFIGURED_PROVIDERS: readonly string[] = Object.keys(SHAPES);

/** The fields that an entry of the provider may have; undefined for a provider that others wrote. */
export function fieldsOf(provider: string): readonly string[] | undefined {
  return Object.hasOwn(SHAPES, provider) ? Object.keys(SHAPES[provider]?.shape ?? {}) : undefined;
}

/** A field that does not fit, and what was expected there. */
export interface ShapeFault {
  readonly path: readonly PropertyKey[];
  readonly expected: string;
}

export function shapeFaults(provider: string, fields: Readonly<Record<string, unknown>>): readonly ShapeFault[] {
  const shape = Object.hasOwn(SHAPES, provider) ? SHAPES[provider] : other;
  const checked = (shape ?? other).safeParse(fields);
  return checked.success ? [] : checked.error.issues.map(({ path, message }) => ({ path, expected: message }));
}

/** JSON Schema of the whole file, for editors. */
export function remoteLinksJsonSchema(): Record<string, unknown> {
  const file = z.record(z.string(), z.discriminatedUnion('provider', [minio, azure, google, fs, http])).meta({
    title: 'remote_links.yml of Stowage',
    description: 'Storages that links may name. Each entry has a name of your choice, which links do not use.',
  });
  return { ...z.toJSONSchema(file, { target: 'draft-7', io: 'input' }) };
}
