import { describe, expect, it } from 'vitest';

import {
  type AccessReport,
  type BucketDriver,
  createStorages,
  delegate,
  type Diagnosis,
  isStorageError,
  type Layer,
  memoryDriver,
  type Provider,
  prefixLayer,
  type StorageConfig,
  StorageError,
} from '../src/index.ts';
import { checkRemoteLinks, readEnvironment } from '../src/config/index.ts';

interface Opened {
  readonly settings: unknown;
  readonly bucket: string;
}

/** A provider that keeps objects in memory and remembers what it was asked for. */
function memoryProvider(name: string, schemes: readonly string[], log: { opened: Opened[]; parsed: unknown[]; closed: string[] }): Provider {
  return {
    name,
    schemes,
    parseConfig: (entry) => {
      log.parsed.push(entry);
      if (typeof entry === 'object' && entry !== null && 'region' in entry && entry.region === 'nowhere')
        throw new StorageError('Config', 'region: expected one that exists');
      return { entry };
    },
    open: (settings, bucket) => {
      log.opened.push({ settings, bucket });
      return closeTold(memoryDriver({ bucket }), () => log.closed.push(bucket));
    },
  };
}

function closeTold(driver: BucketDriver, tell: () => void): BucketDriver {
  return delegate(driver, {
    close: async () => {
      tell();
      if (driver.bucket.startsWith('stuck')) throw new StorageError('Unavailable', `${driver.bucket} does not close`);
      await driver.close();
    },
  });
}

function failure(run: () => unknown): StorageError {
  try {
    run();
  } catch (error) {
    if (isStorageError(error)) return error;
    throw error;
  }
  throw new Error('expected a StorageError, got none');
}

const minioEntry = { provider: 'minio', endpoint: 'minio', access_key: 'i', secret_key: 'canary' };
const linked = checkRemoteLinks(
  {
    'my cars': { ...minioEntry, buckets: ['cars_2020', 'cars_2021'] },
    'my planes': { provider: 'google', credentials_path: '/c', buckets: ['planes'] },
    photos: { provider: 'fs', path: '/data/photos' },
    broken: { ...minioEntry, region: 'nowhere', buckets: ['broken'] },
  },
  { env: {}, folder: '/', source: 'links.yml' },
);

function setUp(config: StorageConfig = linked, layers: readonly Layer[] = []) {
  const log = { opened: [] as Opened[], parsed: [] as unknown[], closed: [] as string[] };
  const providers = [memoryProvider('minio', ['s3', 'minio'], log), memoryProvider('fs', ['fs'], log), memoryProvider('http', ['http', 'https'], log)];
  return { storages: createStorages({ providers, config, layers }), log };
}

describe('createStorages', () => {
  it('opens nothing until it is asked, and each bucket once', async () => {
    const { storages, log } = setUp();
    expect(log).toEqual({ opened: [], parsed: [], closed: [] });
    const bucket = storages.bucket('s3://cars_2020');
    expect(storages.bucket('MINIO://cars_2020/')).toBe(bucket);
    expect(storages.resolve('s3://cars_2020/a b?c')).toEqual({ bucket, key: 'a b?c' });
    expect(storages.bucket('s3://cars_2021')).not.toBe(bucket);
    expect(log.opened.map((one) => one.bucket)).toEqual(['cars_2020', 'cars_2021']);
    await bucket.put('x', 'y');
    await expect((await storages.resolve('s3://cars_2020/x').bucket.get('x')).text()).resolves.toBe('y');
  });

  it('gives the provider the whole entry, once for all its buckets', () => {
    const { storages, log } = setUp();
    storages.bucket('s3://cars_2020');
    storages.bucket('s3://cars_2021');
    storages.bucket('fs://photos');
    expect(log.parsed).toEqual([
      { ...minioEntry, endpoint: 'https://minio', buckets: ['cars_2020', 'cars_2021'] },
      { provider: 'fs', path: '/data/photos', storage_id: 'photos' },
    ]);
    expect(log.opened[0]?.settings).toBe(log.opened[1]?.settings);
  });

  it('puts the layers around every bucket', async () => {
    const { storages } = setUp(linked, [prefixLayer('inner/')]);
    const { bucket, key } = storages.resolve('s3://cars_2020/x');
    await bucket.put(key, 'y');
    expect(bucket.driver.copySource(key).key).toBe('inner/x');
  });

  it('needs no entry for public URLs: the key is the URL', () => {
    const { storages, log } = setUp({ entries: [] });
    const url = 'https://example.org/a%20b.jpg?x=1';
    const { bucket, key } = storages.resolve(url);
    expect(key).toBe(url);
    expect(storages.resolve('http://example.com/').bucket).toBe(bucket);
    expect(log.opened).toEqual([{ settings: { entry: { provider: 'http' } }, bucket: 'public' }]);
  });

  it('gives public URLs what the one entry for them says, and none where two do', () => {
    const options = { env: {}, folder: '/', source: 'links.yml' };
    const entry = { provider: 'http', allow_hosts: ['files.internal'] };
    const { storages, log } = setUp(checkRemoteLinks({ web: entry }, options));
    storages.resolve('https://example.org/a');
    expect(log.opened).toEqual([{ settings: { entry }, bucket: 'public' }]);
    const contested = setUp(checkRemoteLinks({ web: entry, more: entry }, options));
    expect(failure(() => contested.storages.resolve('https://example.org/a'))).toMatchObject({ code: 'Config' });
  });

  it('refuses what is no link, or none of a bucket', () => {
    const { storages } = setUp();
    for (const link of ['cars_2020', 's3:/cars_2020', 's3://', 's3://cars_2020/x', 'https://example.org', 'ftp://x'])
      expect(failure(() => storages.bucket(link)).code, link).toBe('InvalidLink');
    for (const link of ['s3://cars_2020', 's3://cars_2020/', 's3://cars_2020/../x'])
      expect(failure(() => storages.resolve(link)).code, link).toBe('InvalidLink');
    expect(failure(() => storages.bucket('s3://cars_2020/x')).message).toBe('expected a link of a bucket alone; got "s3://cars_2020/x", which names "x" in it');
  });

  it('names every storage, and the nearest, where a bucket is in none', () => {
    const { storages, log } = setUp();
    const error = failure(() => storages.resolve('s3://cars_202/x'));
    expect(error).toMatchObject({ code: 'Config', provider: 'minio', bucket: 'cars_202' });
    expect(error.message).toBe(
      'no configured storage has the minio bucket "cars_202"; configured: minio "cars_2020" ("my cars"), minio "cars_2021" ("my cars"), google "planes" ("my planes"), fs "photos" ("photos"), ' +
        'minio "broken" ("broken"); did you mean "cars_2020"?; add the bucket to an entry of remote_links.yml',
    );
    expect(log.opened).toEqual([]);
    expect(failure(() => storages.bucket('s3://planes')).message).toContain('there is one of that name of google');
    expect(failure(() => setUp({ entries: [] }).storages.bucket('s3://x')).message).toContain('configured: none;');
    const many = checkRemoteLinks({ a: { ...minioEntry, buckets: Array.from({ length: 14 }, (_, i) => `b${i}`) } }, { env: {}, folder: '/' });
    expect(failure(() => setUp(many).storages.bucket('s3://x')).message).toContain('minio "b9" ("a"), and 4 more');
  });

  it('says what is wrong with the configuration where that may be why', () => {
    const config = checkRemoteLinks({ a: { ...minioEntry, secret_key: '', buckets: ['cars'] } }, { env: {}, folder: '/', source: 'links.yml' });
    expect(failure(() => setUp(config).storages.bucket('s3://cars')).message).toContain(
      'the configuration has errors (1), the first: links.yml: a.secret_key: expected access_key and secret_key',
    );
  });

  it('says who claims a bucket that is claimed twice', () => {
    const config = checkRemoteLinks({ a: { ...minioEntry, buckets: ['cars'] }, b: { ...minioEntry, buckets: ['cars'] } }, { env: {}, folder: '/' });
    expect(failure(() => setUp(config).storages.bucket('s3://cars'))).toMatchObject({
      code: 'Config',
      message: 'the bucket "cars" of minio is claimed by "a" and "b": leave it to one',
    });
  });

  it('says which package to install where a provider is not there', () => {
    const { storages } = setUp();
    expect(failure(() => storages.bucket('gs://planes'))).toMatchObject({
      code: 'Config',
      message: 'the provider "google" is not installed: run "npm install @stowage/google"',
    });
  });

  it("says which entry the provider's own complaint is about", () => {
    const { storages } = setUp();
    const error = failure(() => storages.bucket('s3://broken'));
    expect(error).toMatchObject({ code: 'Config', provider: 'minio', message: 'links.yml: "broken": region: expected one that exists' });
    expect(JSON.stringify(error)).not.toContain('canary');
  });

  it('takes no two providers of one name or scheme', () => {
    const log = { opened: [], parsed: [], closed: [] };
    const one = memoryProvider('minio', ['s3'], log);
    expect(failure(() => createStorages({ providers: [one, one], config: linked }))).toMatchObject({
      code: 'Config',
      message: 'two providers are named "minio": pass one of them',
    });
    const other = memoryProvider('other', ['s3'], log);
    expect(failure(() => createStorages({ providers: [one, other], config: linked })).message).toBe(
      'the providers "minio" and "other" both claim the link scheme "s3": pass one of them',
    );
  });

  it('links to providers that others wrote', () => {
    const log = { opened: [] as Opened[], parsed: [], closed: [] };
    const config = checkRemoteLinks({ a: { provider: 'my-drive', buckets: ['b'] } }, { env: {}, folder: '/', otherProviders: ['my-drive'] });
    const storages = createStorages({ providers: [memoryProvider('my-drive', ['drive'], log)], config });
    expect(storages.resolve('drive://b/k')).toMatchObject({ key: 'k', bucket: { name: 'b' } });
  });
});

describe('the main storage', () => {
  const environment = (env: Readonly<Record<string, string>>): StorageConfig => {
    const { main, errors } = readEnvironment(env, { folder: '/' });
    expect(errors).toEqual([]);
    return { entries: linked.entries, ...(main === undefined ? {} : { main }) };
  };
  const cloud = { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: 'main', STORAGE_ACCESS_KEY: 'i', STORAGE_SECRET_KEY: 's' };

  it('on the local disk is a folder for each bucket', () => {
    const { storages, log } = setUp(environment({ DATA_PATH: '/data' }));
    const bucket = storages.main('x-public');
    expect(storages.main('x-public')).toBe(bucket);
    expect(log.parsed).toEqual([{ provider: 'fs', path: '/data/storage/x-public', storage_id: 'x-public' }]);
    for (const name of ['', '.', '..', 'a/b', '../x', 'a\\b', 'a\0']) expect(failure(() => storages.main(name)).code, name).toBe('InvalidArgument');
  });

  it('on the local disk is never what a link names', () => {
    const { storages } = setUp(environment({ DATA_PATH: '/data' }));
    expect(failure(() => storages.bucket('fs://x-public')).code).toBe('Config');
    expect(storages.main('photos')).not.toBe(storages.bucket('fs://photos'));
  });

  it('in a cloud answers for the buckets that no entry has', () => {
    const { storages, log } = setUp(environment(cloud));
    const bucket = storages.bucket('s3://any');
    expect(storages.main('any')).toBe(bucket);
    storages.bucket('s3://cars_2020');
    storages.main('other');
    expect(log.parsed.map((entry) => (entry as { endpoint: string }).endpoint)).toEqual(['https://main', 'https://minio']);
    expect(failure(() => storages.bucket('azure://any')).code).toBe('Config');
  });

  it('of a name that a linked entry has is another bucket than the linked one', () => {
    const { storages, log } = setUp(environment(cloud));
    expect(storages.main('cars_2020')).not.toBe(storages.bucket('s3://cars_2020'));
    expect(log.parsed.map((entry) => (entry as { endpoint: string }).endpoint)).toEqual(['https://main', 'https://minio']);
  });

  it('must be there', () => {
    expect(failure(() => setUp().storages.main('x'))).toMatchObject({ code: 'Config', bucket: 'x' });
  });
});

describe('diagnose', () => {
  const named = (name: string): Provider => {
    const log = { opened: [], parsed: [], closed: [] };
    return memoryProvider(name, STANDARD[name] ?? [], log);
  };
  const STANDARD: Readonly<Record<string, readonly string[]>> = { minio: ['s3', 'minio'], fs: ['fs'] };
  const denying = (provider: Provider, access: Partial<AccessReport> | StorageError): Provider => ({
    ...provider,
    open: (settings, bucket) =>
      delegate(provider.open(settings, bucket), {
        checkAccess: async () => {
          if (isStorageError(access)) throw access;
          return { list: 'granted', read: 'granted', write: 'granted', delete: 'granted', 'list-uploads': 'granted', ...access };
        },
      }),
  });

  it("is the provider's own, with the settings, the bucket and the call", async () => {
    const asked: unknown[] = [];
    const report: Diagnosis = { provider: 'minio', bucket: 'cars_2020', healthy: true, missing: [], facts: [{ name: 'region', value: 'x' }], advice: [] };
    const provider: Provider = {
      ...named('minio'),
      diagnose: async (...given) => {
        asked.push(given);
        return report;
      },
    };
    const storages = createStorages({ providers: [provider], config: linked });
    const { signal } = new AbortController();
    expect(await storages.diagnose('s3://cars_2020', { signal })).toBe(report);
    expect(asked).toEqual([[{ entry: { ...minioEntry, endpoint: 'https://minio', buckets: ['cars_2020', 'cars_2021'] } }, 'cars_2020', { signal }]]);
  });

  it('is made of checkAccess where the provider has none', async () => {
    const ask = (access: Partial<AccessReport> | StorageError): Promise<Diagnosis> =>
      createStorages({ providers: [denying(named('fs'), access)], config: linked }).diagnose('fs://photos');
    const all = { list: 'granted', read: 'granted', write: 'granted', delete: 'granted', 'list-uploads': 'granted' };
    expect(await ask({})).toEqual({ provider: 'memory', bucket: 'photos', healthy: true, access: all, missing: [], facts: [], advice: [] });
    expect(await ask({ write: 'denied', 'list-uploads': 'denied' })).toMatchObject({
      healthy: false,
      missing: [
        { permission: 'write', actions: [], cost: 'nothing can be written' },
        { permission: 'list-uploads', cost: 'uploads that others left unfinished are not found' },
      ],
    });
    expect(await ask({ 'list-uploads': 'denied', delete: 'not-probed' })).toMatchObject({ healthy: true, missing: [{ permission: 'list-uploads' }] });
    const gone = await ask(new StorageError('BucketNotFound', 'no such folder'));
    expect(gone).toMatchObject({ healthy: false, problem: { code: 'BucketNotFound' }, missing: [] });
    expect(gone.access).toBeUndefined();
  });

  it('rejects for an abort, and where no storage has the bucket', async () => {
    const storages = createStorages({ providers: [denying(named('fs'), {})], config: linked });
    await expect(storages.diagnose('fs://photos', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(/aborted|enough/);
    await expect(storages.diagnose('fs://nope')).rejects.toMatchObject({ code: 'Config' });
    await expect(storages.diagnose('fs://photos/x')).rejects.toMatchObject({ code: 'InvalidLink' });
    await expect(storages.diagnose('s3://cars_2020')).rejects.toThrow('the provider "minio" is not installed');
    await storages.close();
    await expect(storages.diagnose('fs://photos')).rejects.toThrow('these storages are closed');
  });
});

describe('closing', () => {
  it('closes every bucket that was opened, and opens no more', async () => {
    const { storages, log } = setUp();
    storages.bucket('s3://cars_2020');
    storages.bucket('fs://photos');
    await storages.close();
    expect(log.closed.sort()).toEqual(['cars_2020', 'photos']);
    await storages.close();
    expect(log.closed).toHaveLength(2);
    expect(failure(() => storages.bucket('s3://cars_2020'))).toMatchObject({ code: 'InvalidArgument', message: 'these storages are closed' });
  });

  it('happens at the end of an "await using" block', async () => {
    const { storages, log } = setUp();
    {
      await using inner = storages;
      inner.bucket('s3://cars_2020');
    }
    expect(log.closed).toEqual(['cars_2020']);
  });

  it('tells each failure, and closes the others', async () => {
    const config = checkRemoteLinks({ a: { ...minioEntry, buckets: ['stuck1', 'free', 'stuck2'] } }, { env: {}, folder: '/' });
    const one = setUp(config);
    for (const bucket of ['stuck1', 'free']) one.storages.bucket(`s3://${bucket}`);
    await expect(one.storages.close()).rejects.toThrow('stuck1 does not close');
    expect(one.log.closed).toEqual(['stuck1', 'free']);
    const both = setUp(config);
    for (const bucket of ['stuck1', 'free', 'stuck2']) both.storages.bucket(`s3://${bucket}`);
    await expect(both.storages.close()).rejects.toThrow('2 buckets could not be closed');
  });

  it('makes a bucket through its provider, and says where none can be made', async () => {
    const made: string[] = [];
    const log = { opened: [] as Opened[], parsed: [] as unknown[], closed: [] as string[] };
    const maker: Provider = {
      ...memoryProvider('minio', ['s3', 'minio'], log),
      createBucket: async (_config, bucket) => {
        made.push(bucket);
        return { outcome: 'created', exposure: 'private', notes: [] };
      },
    };
    const storages = createStorages({ providers: [maker, memoryProvider('fs', ['fs'], log)], config: linked });
    expect(await storages.createBucket('s3://cars_2020')).toEqual({ outcome: 'created', exposure: 'private', notes: [] });
    expect(made).toEqual(['cars_2020']);
    await expect(storages.createBucket('fs://photos')).rejects.toMatchObject({ code: 'Unsupported', operation: 'createBucket', bucket: 'photos' });
    await expect(storages.createBucket('s3://cars_2020/a/')).rejects.toMatchObject({ code: 'InvalidLink' });
    await expect(storages.createBucket('s3://unknown')).rejects.toMatchObject({ code: 'Config' });
    expect(made).toHaveLength(1);
  });
});
