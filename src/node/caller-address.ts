import { isIPv6 } from 'node:net';

/**
 * Who shares a rate among addresses: an IPv4 address by itself, IPv6 addresses by their network of 64 bits, all of which
 * one subscriber has.
 *
 * @param address - as sockets name it; anything else stands for itself
 */
export function callerOfAddress(address: string): string {
  const bare = address.split('%', 1)[0] as string;
  if (!isIPv6(bare)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  const [head, tail] = bare.split('::', 2) as [string, string | undefined];
  const front = groupsOf(head);
  const back = groupsOf(tail ?? '');
  const zeros = new Array<number>(8 - front.length - back.length).fill(0);
  const network = [...front, ...zeros, ...back].slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

/** Groups of 16 bits; a dotted tail is two, whose value does not matter in the lower half. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text
    .split(':')
    .flatMap((group) => (group.includes('.') ? [0, 0] : [Number.parseInt(group, 16)]));
}
