import { webcrypto } from 'node:crypto';
import type * as x509 from '@peculiar/x509';

/** The X.509 library, with the crypto of Node. */
export type X509Library = typeof x509;

let loading: Promise<X509Library> | undefined;

/** Loaded at first use: it costs about 80 ms, and only Roles Anywhere and the making of certificates need it. */
export async function x509Library(): Promise<X509Library> {
  loading ??= load();
  return await loading;
}

async function load(): Promise<X509Library> {
  // The library registers its classes by this package's metadata, which must be there before.
  await import('reflect-metadata');
  const library = await import('@peculiar/x509');
  library.cryptoProvider.set(webcrypto);
  return library;
}
