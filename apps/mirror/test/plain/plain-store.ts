/** A store as a test sees it past everything of Stowage: filled, listed and read by the service's own protocol, spoken here. */

/** What is kept beside an object's bytes; names of metadata are in lower case. */
export interface PlainHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly contentEncoding?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface PlainStore {
  readonly name: string;
  /** An empty bucket, container or folder that nobody else uses; its name. */
  make(): Promise<string>;
  /** How the command names it. */
  link(place: string): string;
  /** Lines for `remote_links.yml`; none where the command needs none. */
  entry(places: readonly string[]): string;
  put(place: string, key: string, content: string | Uint8Array, headers?: PlainHeaders): Promise<void>;
  /** SHA-256 of every object, by key: what a listing and reads of the service itself tell. */
  contents(place: string): Promise<Readonly<Record<string, string>>>;
  headers(place: string, key: string): Promise<PlainHeaders>;
  /** Whether it holds the key, by the service's own documents; this test's word, not the driver's. */
  holds(key: string): boolean;
  /** Whether an object may lie at `a` and another at `a/b`. */
  readonly nested: boolean;
}

/** The keys that the store can hold, all of them together: where it has folders, the first of `a` and `a/b` keeps its name. */
export function heldOf(store: PlainStore, keys: readonly string[]): string[] {
  const held = keys.filter((key) => store.holds(key));
  return store.nested ? held : held.filter((key) => !held.some((other) => other !== key && key.startsWith(`${other}/`)));
}

/** Runs work for each item, a few at a time. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

/** RFC 3986, byte by byte. */
export function encoded(text: string, keepSlash = false): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(character) || (keepSlash && character === '/') ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function unescaped(xml: string): string {
  return xml.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex?: string, decimal?: string, name = '') => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return decimal === undefined ? (ENTITIES[String(name)] ?? whole) : String.fromCodePoint(Number(decimal));
  });
}

/** The five that are kept as headers of an answer, under the names that HTTP gives them. */
export function headersOfAnswer(headers: Readonly<Record<string, string | string[] | undefined>>, metadataPrefix: string): PlainHeaders {
  const named = {
    contentType: 'content-type',
    cacheControl: 'cache-control',
    contentDisposition: 'content-disposition',
    contentLanguage: 'content-language',
    contentEncoding: 'content-encoding',
  };
  const metadata = Object.entries(headers)
    .filter(([name]) => name.startsWith(metadataPrefix))
    .map(([name, value]) => [name.slice(metadataPrefix.length), String(value)]);
  return {
    ...Object.fromEntries(Object.entries(named).flatMap(([name, header]) => (headers[header] === undefined ? [] : [[name, headers[header]]]))),
    ...(metadata.length === 0 ? {} : { metadata: Object.fromEntries(metadata) as Record<string, string> }),
  };
}
