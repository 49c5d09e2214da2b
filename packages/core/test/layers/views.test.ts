import { describe, expect, it } from 'vitest';
import { type Bucket, memoryDriver, openBucket, prefixLayer, readOnlyLayer } from '@stowage/core';

async function filled(): Promise<Bucket> {
  const bucket = openBucket(memoryDriver());
  for (const key of ['a/1', 'a/2', 'a/b/3', 'ab', 'c']) await bucket.put(key, key);
  return bucket;
}

describe('prefixLayer', () => {
  it('shows the keys under the prefix, without it', async () => {
    const whole = await filled();
    const part = whole.with(prefixLayer('a/'));
    expect((await Array.fromAsync(part.list())).map(({ key }) => key)).toEqual(['1', '2', 'b/3']);
    expect((await Array.fromAsync(part.list({ startAfter: '1', until: 'b/3' }))).map(({ key }) => key)).toEqual(['2']);
    expect((await part.listPage({ delimiter: '/' })).prefixes).toEqual(['b/']);
    expect((await part.get('b/3')).info.key).toBe('b/3');
    await part.put('new', 'x');
    expect(await whole.exists('a/new')).toBe(true);
    await part.delete('new');
    expect(await whole.exists('a/new')).toBe(false);
  });

  it('tells failures of the user’s own keys', async () => {
    const part = (await filled()).with(prefixLayer('a/'));
    await expect(part.head('nothing')).rejects.toMatchObject({ code: 'NotFound', key: 'nothing' });
    await expect(part.put('1', 'x', { if: 'absent' })).rejects.toMatchObject({ code: 'AlreadyExists', key: '1' });
  });

  it('copies between two views of one store on the server’s side', async () => {
    const whole = await filled();
    const [from, to] = [whole.with(prefixLayer('a/')), whole.with(prefixLayer('z/'))];
    expect(to.canCopyFrom(from)).toBe(true);
    expect((await to.copy({ bucket: from, key: 'b/3' }, 'b/3')).key).toBe('b/3');
    expect(await (await whole.get('z/b/3')).text()).toBe('a/b/3');
  });

  it('continues a listing from a cursor and an upload from its reference', async () => {
    const part = (await filled()).with(prefixLayer('a/'));
    const first = await part.listPage({ limit: 2 });
    expect((await part.listPage({ limit: 2, ...(first.cursor === undefined ? {} : { cursor: first.cursor }) })).objects.map(({ key }) => key)).toEqual(['b/3']);
    const upload = await part.upload('up');
    const piece = await upload.part(0, Buffer.from('x'));
    const ref = upload.detach();
    expect(ref.key).toBe('up');
    expect((await Array.fromAsync(part.listUploads())).map(({ key }) => key)).toEqual(['up']);
    expect((await (await part.resumeUpload(ref)).complete([piece])).key).toBe('up');
  });

  it('refuses a prefix that no key can begin with', () => {
    expect(() => prefixLayer('../other/')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
});

describe('readOnlyLayer', () => {
  it('lets reads through and refuses every write', async () => {
    const bucket = await filled();
    const reader = bucket.with(readOnlyLayer());
    expect(reader.capabilities).toMatchObject({ readOnly: true, copy: 'none', setHeaders: false });
    expect(await (await reader.get('c')).text()).toBe('c');
    const refused = { code: 'Unsupported' };
    await expect(reader.put('c', 'x')).rejects.toMatchObject(refused);
    await expect(reader.delete('c')).rejects.toMatchObject(refused);
    await expect(reader.upload('c')).rejects.toMatchObject(refused);
    await expect(reader.copy('c', 'd')).rejects.toMatchObject(refused);
    await expect(reader.setHeaders('c', {})).rejects.toMatchObject(refused);
    // Also where a caller holds the driver itself.
    await expect(reader.driver.put('c', Buffer.from('x'), {})).rejects.toMatchObject(refused);
    await expect(reader.driver.deleteMany([{ key: 'c' }], {})).rejects.toMatchObject(refused);
    expect(await (await bucket.get('c')).text()).toBe('c');
  });
});
