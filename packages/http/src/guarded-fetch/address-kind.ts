/**
 * Which addresses are of the public internet. Sources: IANA's registries of special-purpose addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry),
 * IANA's IPv6 address space (global unicast is 2000::/3 alone), and the clouds' documents for their metadata services.
 */
import { type IpAddress, type IpNetwork, isInNetwork, readIpNetwork } from './ip-address.ts';

interface SpecialNetwork extends IpNetwork {
  readonly text: string;
  /** In words that go behind "it is". */
  readonly kind: string;
}

const networks = (kinds: Readonly<Record<string, string>>): readonly SpecialNetwork[] =>
  Object.entries(kinds).map(([text, kind]) => {
    const network = readIpNetwork(text);
    if (network === undefined) throw new TypeError(`${text} is no network`);
    return { ...network, text, kind };
  });

/** Services that hand out a machine's credentials to whoever asks from within it; some lie in networks that look public. */
const METADATA = networks({
  // AWS, Azure, Google, Oracle, OpenStack, DigitalOcean, Hetzner
  '169.254.169.254/32': 'a metadata service of clouds',
  'fd00:ec2::254/128': 'the metadata service of AWS',
  // Credentials of tasks and pods: ECS, EKS
  '169.254.170.2/32': 'the credentials service of AWS ECS',
  '169.254.170.23/32': 'the credentials service of AWS EKS',
  'fd00:ec2::23/128': 'the credentials service of AWS EKS',
  '168.63.129.16/32': "Azure's wire server",
  '100.100.100.200/32': 'the metadata service of Alibaba',
  '192.0.0.192/32': 'the metadata service of Oracle',
  'fd20:ce::254/128': 'the metadata service of Google',
});

/** The more special ones first. */
const SPECIAL = networks({
  '0.0.0.0/8': 'an address of this machine ("this network")',
  '10.0.0.0/8': 'a private address',
  '100.64.0.0/10': 'an address of carrier-grade NAT',
  '127.0.0.0/8': 'a loopback address',
  '169.254.0.0/16': 'a link-local address',
  '172.16.0.0/12': 'a private address',
  '192.0.0.0/24': 'reserved for protocols',
  '192.0.2.0/24': 'an address for documentation',
  '192.88.99.0/24': 'a 6to4 relay',
  '192.168.0.0/16': 'a private address',
  '198.18.0.0/15': 'an address for benchmarks',
  '198.51.100.0/24': 'an address for documentation',
  '203.0.113.0/24': 'an address for documentation',
  '224.0.0.0/4': 'a multicast address',
  '255.255.255.255/32': 'the broadcast address',
  '240.0.0.0/4': 'a reserved address',

  '::/128': 'the unspecified address',
  '::1/128': 'the loopback address',
  '::ffff:0:0/96': 'an IPv4-mapped address',
  '::ffff:0:0:0/96': 'an IPv4-translated address',
  '::/96': 'an IPv4-compatible address',
  '64:ff9b::/96': 'a NAT64 address',
  '64:ff9b:1::/48': 'a NAT64 address of a local network',
  '100::/64': 'a discard address',
  '2001::/32': 'a Teredo address',
  '2001:2::/48': 'an address for benchmarks',
  '2001:db8::/32': 'an address for documentation',
  '2001::/23': 'reserved for protocols',
  '2002::/16': 'a 6to4 address',
  '3fff::/20': 'an address for documentation',
  '5f00::/16': 'an address for segment routing',
  'fc00::/7': 'a unique local address',
  'fe80::/10': 'a link-local address',
  'fec0::/10': 'a site-local address',
  'ff00::/8': 'a multicast address',
});

const [GLOBAL_UNICAST] = networks({ '2000::/3': 'a global unicast address' });

/** Why an address is none of the public internet, in words that go behind "it is"; undefined where it is one. */
export function specialKind(address: IpAddress): string | undefined {
  const special = metadataKind(address) ?? textOf(SPECIAL.find((network) => isInNetwork(address, network)));
  if (special !== undefined || address.bits === 32) return special;
  if (isIsatap(address)) return 'an ISATAP address';
  return GLOBAL_UNICAST !== undefined && isInNetwork(address, GLOBAL_UNICAST) ? undefined : 'outside of the public addresses (2000::/3)';
}

/** What service of a cloud answers there; undefined for every other address. */
export function metadataKind(address: IpAddress): string | undefined {
  return METADATA.find((network) => isInNetwork(address, network))?.kind;
}

function textOf(network: SpecialNetwork | undefined): string | undefined {
  return network && `${network.kind} (${network.text})`;
}

/** The interface identifier `0000:5efe` or `0200:5efe`, whatever the network: https://www.rfc-editor.org/rfc/rfc5214#section-6.1 */
function isIsatap({ value }: IpAddress): boolean {
  return ((value >> 32n) & 0xfcff_ffffn) === 0x5efen;
}

const BEHIND_32: readonly IpNetwork[] = networks({ '::ffff:0:0/96': '', '::ffff:0:0:0/96': '', '64:ff9b::/96': '', '64:ff9b:1::/48': '', '::/96': '' });
const [TEREDO, SIX_TO_FOUR] = networks({ '2001::/32': '', '2002::/16': '' });

/** The IPv4 address to which a translator or tunnel carries what is sent to this one; undefined where there is none. */
export function embeddedIpv4(address: IpAddress): IpAddress | undefined {
  if (address.bits === 32 || address.value <= 1n) return undefined;
  const { value } = address;
  const last = value & 0xffff_ffffn;
  if (BEHIND_32.some((network) => isInNetwork(address, network)) || isIsatap(address)) return { bits: 32, value: last };
  // Teredo keeps the client's address with every bit turned: https://www.rfc-editor.org/rfc/rfc4380#section-4
  if (TEREDO !== undefined && isInNetwork(address, TEREDO)) return { bits: 32, value: last ^ 0xffff_ffffn };
  if (SIX_TO_FOUR !== undefined && isInNetwork(address, SIX_TO_FOUR)) return { bits: 32, value: (value >> 80n) & 0xffff_ffffn };
  return undefined;
}
