import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { embeddedIpv4, specialKind } from '../src/guarded-fetch/address-kind.ts';
import { ipv4Text, isInNetwork, readIpAddress, readIpNetwork } from '../src/guarded-fetch/ip-address.ts';

const special = (address: string): string | undefined => {
  const read = readIpAddress(address);
  if (read === undefined) throw new Error(`${address} was not read`);
  return specialKind(read);
};

/** Bits to text by another way than the one under test: ipaddr.js. */
const text4 = (value: number): string => ipaddr.fromByteArray([24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff)).toString();
const text6 = (value: bigint): string => ipaddr.fromByteArray(Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * (15 - i))) & 0xffn))).toString();

/** Node's own matching over IANA's registries, written down apart from the source. */
const REGISTRY4 = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32`.split(/\s/);
const REGISTRY6 = ['0000::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
// One list for each family: Node looks IPv4 addresses up among the IPv6 networks as well.
const [blocked4, blocked6] = [REGISTRY4, REGISTRY6].map((registry) => {
  const list = new BlockList();
  for (const network of registry) {
    const [address = '', length = ''] = network.split('/');
    list.addSubnet(address, Number(length), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}) as [BlockList, BlockList];

/** Addresses at and around the ends of networks, where mistakes are, and any others. */
const near4 = fc.tuple(fc.constantFrom(...REGISTRY4), fc.integer({ min: -2, max: 2 }), fc.boolean()).map(([network, off, atEnd]) => {
  const [base, last] = [ipaddr.IPv4.networkAddressFromCIDR(network), ipaddr.IPv4.broadcastAddressFromCIDR(network)];
  return text4((Buffer.from((atEnd ? last : base).toByteArray()).readUInt32BE() + off) >>> 0);
});
const any4 = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(text4);
const PREFIXES6 = [
  '2000::',
  '2001::',
  '2001:200::',
  '2001:db8::',
  '2001:db9::',
  '2002::',
  '2003::',
  '3ffe::',
  '3fff::',
  '3fff:1000::',
  '4000::',
  'fc00::',
  'fe80::',
  '2a00::',
  '::',
  '64:ff9b::',
  '100::',
];
const near6 = fc.tuple(fc.constantFrom(...PREFIXES6), fc.integer({ min: -2, max: 2 })).map(([base, off]) => {
  const value = BigInt(`0x${Buffer.from(ipaddr.parse(base).toByteArray()).toString('hex')}`);
  return text6(BigInt.asUintN(128, value + BigInt(off)));
});
const any6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(text6);
const global6 = fc.bigInt({ min: 0n, max: 2n ** 125n - 1n }).map((value) => text6((1n << 125n) | value));

const ISATAP = /:(?:[0-3]00:)?5efe:[0-9a-f]+:[0-9a-f]+$/;

describe('two oracles agree', () => {
  it('on IPv4', () => {
    fc.assert(
      fc.property(fc.oneof(near4, any4), (address) => {
        expect(special(address) !== undefined, address).toBe(blocked4.check(address, 'ipv4'));
        // What ipaddr.js calls a range of its own though the registry calls it globally reachable.
        const range = ipaddr.parse(address).range();
        if (special(address) === undefined) expect(['unicast', 'as112', 'amt'], address).toContain(range);
        else if (address !== '168.63.129.16') expect(range, address).not.toBe('unicast');
      }),
      { numRuns: 5000 },
    );
  });

  it('on IPv6', () => {
    fc.assert(
      fc.property(fc.oneof(near6, any6, global6), (address) => {
        fc.pre(!ISATAP.test(address));
        expect(special(address) !== undefined, address).toBe(blocked6.check(address, 'ipv6'));
        if (special(address) === undefined) expect(['unicast', 'as112v6'], address).toContain(ipaddr.parse(address).range());
      }),
      { numRuns: 5000 },
    );
  });
});

it('every way to write an address gives its value', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
      const parsed = ipaddr.parse(text6(value)) as ipaddr.IPv6;
      const last = ipv4Text(value & 0xffff_ffffn);
      const groups = parsed.parts.map((part) => part.toString(16));
      const dotted = `${groups.slice(0, 6).join(':')}:${last}`;
      const full = groups.map((group) => group.padStart(4, '0')).join(':');
      for (const written of [parsed.toString(), parsed.toNormalizedString(), full, parsed.toString().toUpperCase(), dotted])
        expect(readIpAddress(written), written).toEqual({ bits: 128, value });
    }),
  );
  fc.assert(
    fc.property(any4, (address) => {
      expect(ipv4Text(readIpAddress(address)?.value ?? 0n)).toBe(address);
    }),
  );
});

it.each(['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.256', '0x7f.0.0.1', '::1%lo', '1::2::3', ':::', '[::1]', 'localhost', '12345::', ' 1.2.3.4'])(
  '%j is no address',
  (text) => {
    expect(readIpAddress(text)).toBeUndefined();
  },
);

it.each(['10.0.0.0/33', '10.0.0.1/8', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', 'fd00::1/8', 'x/8', '/8'])('%j is no network', (text) => {
  expect(readIpNetwork(text)).toBeUndefined();
});

it('a network holds what ipaddr.js says', () => {
  const sized4 = fc.tuple(any4, fc.integer({ min: 0, max: 32 }), any4).map(([base, length, address]) => ({ base, length, address }));
  const sized6 = fc.tuple(any6, fc.integer({ min: 0, max: 128 }), any6).map(([base, length, address]) => ({ base, length, address }));
  fc.assert(
    fc.property(fc.oneof(sized4, sized6), ({ base, length, address }) => {
      const kind = isIPv4(base) ? ipaddr.IPv4 : ipaddr.IPv6;
      const start = kind.networkAddressFromCIDR(`${base}/${length}`);
      const network = readIpNetwork(`${start.toString()}/${length}`);
      const read = readIpAddress(address);
      const own = readIpAddress(base);
      if (network === undefined || read === undefined || own === undefined) throw new Error('not read');
      expect(isInNetwork(own, network)).toBe(true);
      expect(isInNetwork(read, network)).toBe(ipaddr.parse(address).match(ipaddr.parse(start.toString()), length));
    }),
    { numRuns: 1000 },
  );
});

it.each([
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::ffff:0:10.1.2.3', '10.1.2.3'],
  ['::10.1.2.3', '10.1.2.3'],
  ['64:ff9b::10.1.2.3', '10.1.2.3'],
  ['64:ff9b:1::10.1.2.3', '10.1.2.3'],
  // The example of RFC 4380, section 4.
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '192.0.2.45'],
  ['2002:c000:204::1', '192.0.2.4'],
  ['2a00::5efe:10.1.2.3', '10.1.2.3'],
  ['2606:4700::1111', undefined],
  ['::1', undefined],
  ['10.1.2.3', undefined],
])('%s carries %s', (address, inner) => {
  const read = readIpAddress(address);
  const found = read && embeddedIpv4(read);
  expect(found && ipv4Text(found.value)).toBe(inner);
});
