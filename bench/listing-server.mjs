/**
 * An S3 server that has one bucket of so many keys and can do nothing but list them: MinIO takes most of an hour to be filled with a
 * million objects, and answers a page in more time than a client takes to read it. Pages are those of MinIO, byte for byte the same
 * for every client, made once and kept.
 *
 *   node bench/listing-server.mjs <keys> [milliseconds before each answer]
 *
 * Prints its port.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const KEYS = Number(process.argv[2] ?? 1_000_000);
const DELAY_MS = Number(process.argv[3] ?? 0);
const MAX_PAGE = 1000;
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const TIME = '2026-03-04T05:06:07.089Z';

/** Entries of whole pages, by their first key. */
const pages = new Map();
for (let from = 0; from < KEYS; from += MAX_PAGE) pages.set(from, Buffer.from(entries(from, Math.min(from + MAX_PAGE, KEYS))));

const server = createServer((request, answer) => {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
  const send = (body, status = 200) => {
    answer.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body), server: 'MinIO', 'x-amz-request-id': 'BENCH' });
    if (DELAY_MS > 0) setTimeout(() => answer.end(request.method === 'HEAD' ? undefined : body), DELAY_MS);
    else answer.end(request.method === 'HEAD' ? undefined : body);
  };
  if (pathname === '/')
    return send(
      `${XML}<ListAllMyBucketsResult ${NAMESPACE}><Owner><ID>bench</ID></Owner><Buckets><Bucket><Name>keys</Name><CreationDate>${TIME}</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`,
    );
  if (query.has('location')) return send(`${XML}<LocationConstraint ${NAMESPACE}></LocationConstraint>`);
  if (!/^\/keys\/?$/.test(pathname)) return send(`${XML}<Error><Code>NoSuchKey</Code><Message>There are keys here, and no objects.</Message></Error>`, 404);
  if (request.method === 'HEAD') return send('');
  if (query.get('list-type') !== '2') return send(`${XML}<Error><Code>NotImplemented</Code><Message>ListObjectsV2 alone.</Message></Error>`, 501);
  const limit = Math.min(Number(query.get('max-keys') ?? MAX_PAGE), MAX_PAGE);
  const prefix = query.get('prefix') ?? '';
  const mark = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  // What is behind the mark, and not before the prefix; up to what no longer begins with that.
  const from = token === null ? first((key) => key > mark && key >= prefix) : Number(token);
  const end = prefix === '' ? KEYS : first((key) => key >= prefix && !key.startsWith(prefix));
  const until = Math.max(from, Math.min(from + limit, end));
  const whole = limit === MAX_PAGE && until === Math.min(from + limit, KEYS) ? pages.get(from) : undefined;
  const encoding = query.get('encoding-type');
  const head = Buffer.from(
    `${XML}<ListBucketResult ${NAMESPACE}><Name>keys</Name><Prefix></Prefix><KeyCount>${until - from}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${until < end}</IsTruncated>${until < end ? `<NextContinuationToken>${until}</NextContinuationToken>` : ''}`,
  );
  const tail = Buffer.from(`${encoding === null ? '' : `<EncodingType>${encoding}</EncodingType>`}</ListBucketResult>`);
  return send(Buffer.concat([head, whole ?? Buffer.from(entries(from, until)), tail]));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
// Whoever started it ends it by closing its standard input.
process.stdin.on('end', () => process.exit(0)).resume();

function keyOf(i) {
  return `photos/2026/${String(Math.floor(i / 5000)).padStart(5, '0')}/image-${String(i).padStart(8, '0')}.jpg`;
}

/** The first of the keys of which it is true; it is so of all that follow. */
function first(isSo) {
  let low = 0;
  let high = KEYS;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(keyOf(middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}

function entries(from, until) {
  let text = '';
  for (let i = from; i < until; i++) {
    const key = keyOf(i);
    const etag = createHash('md5').update(key).digest('hex');
    text += `<Contents><Key>${key}</Key><LastModified>${TIME}</LastModified><ETag>&#34;${etag}&#34;</ETag><Size>${1000 + (i % 90_000)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  return text;
}
