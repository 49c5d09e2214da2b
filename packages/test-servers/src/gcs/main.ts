/** The program: `node main.ts <port>`, with its settings as JSON in STOWAGE_GCS. Started by strict-gcs-server.ts. */
import { createServer } from 'node:http';
import { ApiError } from './api-error.ts';
import { listObjects } from './list-objects.ts';
import { composeObject, deleteObject, getObject, patchObject, Rewrites } from './object-routes.ts';
import { servedAt } from './object-resource.ts';
import { ObjectStore } from './object-store.ts';
import { answerJson, bodyChunks, bodyJson, type Exchange } from './request.ts';
import { type Account, SignIn } from './sign-in.ts';
import { Uploads } from './uploads.ts';
import { signerOf } from './v4-signature.ts';
import { readMedia, readObject, removeObject, writeObject } from './xml-routes.ts';

interface Settings {
  readonly accounts: readonly Account[];
  /** Everybody may do everything. */
  readonly open: boolean;
  /** How far this server's clock is ahead. */
  readonly clockOffsetMs: number;
}

const settings = JSON.parse(process.env['STOWAGE_GCS'] ?? '{"accounts":[],"open":true,"clockOffsetMs":0}') as Settings;
const now = (): Date => new Date(Date.now() + settings.clockOffsetMs);
const store = new ObjectStore();
const uploads = new Uploads(store);
const rewrites = new Rewrites(store);
const signIn = new SignIn(settings.accounts, settings.open, now);

type Allowed = (permission: string) => void;

function allowedFor(caller: { readonly email: string; readonly permissions: readonly string[] } | undefined): Allowed {
  return (permission) => {
    if (caller === undefined || caller.permissions.includes(permission)) return;
    const who = caller.email === '' ? 'Anonymous caller' : caller.email;
    const message = `${who} does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist).`;
    throw caller.email === '' ? new ApiError(401, 'required', message) : new ApiError(403, 'forbidden', message);
  };
}

/** Overwriting takes the right to delete, too: https://cloud.google.com/storage/docs/access-control/iam-permissions#object_permissions */
function mayWrite(allowed: Allowed, bucket: string, name: string | null): void {
  allowed('storage.objects.create');
  if (name !== null && store.find(bucket, name) !== undefined) allowed('storage.objects.delete');
}

async function json(exchange: Exchange, parts: readonly string[]): Promise<void> {
  const { method, query } = exchange;
  const caller = signIn.callerOf(exchange);
  const allowed = allowedFor(caller);
  const [bucket = '', kind, name = '', verb, , toBucket = '', , toName = ''] = parts;
  if (bucket === '') return await bucketCreated(exchange, allowed);
  if (kind === 'iam') {
    store.bucket(bucket);
    const granted = query.getAll('permissions').filter((each) => caller === undefined || caller.permissions.includes(each));
    return answerJson(exchange, { kind: 'storage#testIamPermissionsResponse', ...(granted.length === 0 ? {} : { permissions: granted }) });
  }
  if (kind === undefined) {
    allowed('storage.buckets.get');
    return answerJson(exchange, { kind: 'storage#bucket', name: bucket, versioning: { enabled: store.bucket(bucket).versioned } });
  }
  if (name === '') {
    allowed('storage.objects.list');
    return answerJson(exchange, listObjects(store, bucket, query));
  }
  if (verb === 'compose' && method === 'POST') {
    allowed('storage.objects.get');
    mayWrite(allowed, bucket, name);
    return await composeObject(exchange, store, bucket, name);
  }
  if (verb === 'rewriteTo' && method === 'POST') {
    allowed('storage.objects.get');
    mayWrite(allowed, toBucket, toName);
    return await rewrites.rewrite(exchange, { bucket, name }, { bucket: toBucket, name: toName });
  }
  if (method === 'GET') {
    allowed('storage.objects.get');
    return query.get('alt') === 'media' ? await readMedia(exchange, store, bucket, name) : getObject(exchange, store, bucket, name);
  }
  if (method === 'PATCH') {
    allowed('storage.objects.update');
    return await patchObject(exchange, store, bucket, name);
  }
  if (method === 'DELETE') {
    allowed('storage.objects.delete');
    return deleteObject(exchange, store, bucket, name);
  }
  throw new ApiError(405, 'methodNotAllowed', 'Method not allowed.');
}

/** https://cloud.google.com/storage/docs/json_api/v1/buckets/insert; tests make buckets without signing in. */
async function bucketCreated(exchange: Exchange, allowed: Allowed): Promise<void> {
  if (exchange.incoming.headers.authorization !== undefined) allowed('storage.buckets.create');
  if (exchange.query.get('project') === null) throw new ApiError(400, 'required', 'Required parameter: project');
  const body = (await bodyJson(exchange)) as {
    readonly name?: string;
    readonly versioning?: { readonly enabled?: boolean };
    readonly iamConfiguration?: unknown;
  };
  const { name = '', iamConfiguration } = body;
  if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name)) throw new ApiError(400, 'invalid', `Invalid bucket name: '${name}'`);
  if (!store.create(name, body.versioning?.enabled === true)) throw new ApiError(409, 'conflict', 'The requested bucket name is not available.');
  answerJson(exchange, { kind: 'storage#bucket', name, iamConfiguration });
}

async function xml(exchange: Exchange, bucket: string, name: string): Promise<void> {
  const { query, method } = exchange;
  const signer = query.has('X-Goog-Algorithm') ? signerOf(exchange, (email) => signIn.keyOf(email), now()) : undefined;
  const allowed = allowedFor(signer === undefined ? signIn.callerOf(exchange) : { email: signer, permissions: signIn.permissionsOf(signer) });
  store.bucket(bucket);
  if (method === 'GET' || method === 'HEAD') {
    allowed('storage.objects.get');
    return await readObject(exchange, store, bucket, name);
  }
  if (method === 'PUT') {
    mayWrite(allowed, bucket, name);
    return await writeObject(exchange, store, bucket, name);
  }
  if (method === 'DELETE') {
    allowed('storage.objects.delete');
    return removeObject(exchange, store, bucket, name);
  }
  throw new ApiError(405, 'methodNotAllowed', 'Method not allowed.');
}

async function route(exchange: Exchange): Promise<void> {
  const { path, query, method } = exchange;
  if (path === '/token') return await signIn.token(exchange);
  if (SignIn.isMetadata(path)) return signIn.metadata(exchange, settings.accounts[0]);
  if (path === '/health') return answerJson(exchange, { ok: true });
  const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(path);
  if (upload !== null) {
    // Whoever knows a session's URI may go on with it: https://cloud.google.com/storage/docs/resumable-uploads#session-uris
    if (query.has('upload_id')) return await uploads.resume(exchange);
    const bucket = decodeURIComponent(upload[1] ?? '');
    const allowed = allowedFor(signIn.callerOf(exchange));
    store.bucket(bucket);
    mayWrite(allowed, bucket, query.get('name'));
    return await uploads.insert(exchange, bucket);
  }
  if (path.startsWith('/download/storage/v1/b')) return await route({ ...exchange, path: path.slice('/download'.length) });
  if (path.startsWith('/storage/v1/b')) return await json(exchange, path.slice('/storage/v1/b'.length).split('/').slice(1).map(decodeURIComponent));
  const object = /^\/([^/]+)\/(.+)$/.exec(path);
  if (object === null || method === 'POST') throw new ApiError(404, 'notFound', 'Not Found');
  await xml(exchange, decodeURIComponent(object[1] ?? ''), decodeURIComponent(object[2] ?? ''));
}

async function refuse(exchange: Exchange, error: unknown): Promise<void> {
  const { answer, path, method } = exchange;
  const refusal = error instanceof ApiError ? error : new ApiError(500, 'backendError', String(error));
  if (answer.headersSent) {
    answer.destroy();
    return;
  }
  // Read to its end first, so that the client hears the refusal; one that broke off has nobody left to hear it.
  await bodyChunks(exchange, () => undefined).catch(() => undefined);
  const isXml = !/^\/(?:storage|upload|download|computeMetadata|token)\b/.test(path);
  if (!isXml) return answerJson(exchange, refusal.json(), refusal.status);
  const text = refusal.xml();
  answer.writeHead(refusal.status, { 'content-type': 'application/xml; charset=UTF-8', 'content-length': Buffer.byteLength(text) });
  answer.end(method === 'HEAD' ? undefined : text);
}

const server = createServer((incoming, answer) => {
  const url = incoming.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const exchange: Exchange = { incoming, answer, method: incoming.method ?? 'GET', path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
  answer.setHeader('date', now().toUTCString());
  route(exchange)
    .catch((error: unknown) => refuse(exchange, error))
    .catch(() => answer.destroy());
});
server.keepAliveTimeout = 120_000;
server.requestTimeout = 0;
const port = Number(process.argv[2] ?? 0);
servedAt(`http://127.0.0.1:${port}`);
server.listen(port, '127.0.0.1');
