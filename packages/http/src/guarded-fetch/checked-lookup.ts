import { lookup } from 'node:dns/promises';
import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import type { Resolve } from './guard-options.ts';
import type { GuardPolicy } from './guard-policy.ts';

/** The system's resolver: hosts file, search domains, DNS. */
export const systemResolve: Resolve = async (hostname) => {
  const addresses = await lookup(hostname, { all: true });
  return addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/**
 * A look-up for one port whose answers are judged before the socket gets them: what was judged is what is connected to, and nothing
 * is asked twice. One address that may not be reached refuses the name, whatever the others are.
 */
export function checkedLookup(policy: GuardPolicy, resolve: Resolve, port: number): LookupFunction {
  const judged = callbackify((hostname: string, options: LookupOptions) => checked(policy, resolve, { hostname, port }, options));
  return (hostname, options, callback) =>
    judged(hostname, options, (error, addresses) => {
      const [first] = addresses ?? [];
      if (first === undefined) callback(error ?? new Error('the look-up failed'), '');
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
}

async function checked(
  policy: GuardPolicy,
  resolve: Resolve,
  place: { readonly hostname: string; readonly port: number },
  { family }: LookupOptions,
): Promise<readonly LookupAddress[]> {
  const answers = await resolve(place.hostname);
  for (const { address } of answers) policy.assertAddress(address, place);
  const wanted = answers.filter((answer) => (family === 4 || family === 6 ? answer.family === family : true));
  if (wanted.length === 0) throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
  return wanted;
}
