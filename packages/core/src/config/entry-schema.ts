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
  endpoint: described('Default: https://<access_key>.blob.core.windows.net').optional(),
  access_key: described('The name of the storage account.'),
  secret_key: described('The account key, or a SAS token that begins with "?". A secret: better as "${NAME}" or { file: path }.'),
  buckets,
});

const google = z.looseObject({
  provider: z.literal('google'),
  endpoint: described('Default: storage.googleapis.com').optional(),
  credentials_path: described("The service account's JSON file; a relative path starts at this file's folder."),
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

const other = z.looseObject({ provider: z.string(), buckets });

const SHAPES: Readonly<Record<string, z.ZodObject>> = { minio, azure, google, fs };

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
  const file = z.record(z.string(), z.discriminatedUnion('provider', [minio, azure, google, fs])).meta({
    title: 'remote_links.yml of Stowage',
    description: 'Storages that links may name. Each entry has a name of your choice, which links do not use.',
  });
  return { ...z.toJSONSchema(file, { target: 'draft-7', io: 'input' }) };
}
