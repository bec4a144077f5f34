import { createHash, timingSafeEqual } from 'node:crypto';
import { VelaturaError } from '../../core/errors.ts';

/** Who may do what besides members: run the federation, look at it, or answer for people's privacy. */
export type Role = 'operator' | 'auditor' | 'privacy-officer';

/** One holder of a role. */
export interface RoleHolder {
  readonly role: Role;
  /** Hexadecimal SHA-256 of the bearer token. */
  readonly tokenDigest: string;
  /** Ed25519 key by which it approves models, hexadecimal; null for a role that approves none. */
  readonly key: string | null;
}

const DIGEST = /^[0-9a-f]{64}$/;
const BEARER = /^Bearer ([A-Za-z0-9_-]{16,512})$/;

/** Hexadecimal SHA-256 of a token, as a {@link RoleHolder} has it. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** @throws {RangeError} for digests and keys that are none, or a token that two holders share */
export function checkRoles(holders: readonly RoleHolder[]): void {
  for (const { tokenDigest: digest, key } of holders) {
    if (!DIGEST.test(digest)) throw new RangeError('"tokenDigest" expected 64 hexadecimal digits');
    if (key !== null && !DIGEST.test(key)) {
      throw new RangeError('"key" expected 64 hexadecimal digits or null');
    }
  }
  for (const field of ['tokenDigest', 'key'] as const) {
    const values = holders.map((holder) => holder[field]).filter((value) => value !== null);
    // Two roles in one hand would approve their own work.
    if (new Set(values).size !== values.length) {
      throw new RangeError(`"${field}" expected another one for each role`);
    }
  }
}

/**
 * The holder whose token a request carries.
 *
 * @throws {VelaturaError} `federated/unauthenticated`; `federated/forbidden` for a role that is not among `allowed`
 */
export function holderOf(
  holders: readonly RoleHolder[],
  authorization: string | null,
  allowed: readonly Role[],
): RoleHolder {
  const token = BEARER.exec(authorization ?? '')?.[1];
  const digest = Buffer.from(tokenDigest(token ?? ''), 'hex');
  const holder = holders.find((known) =>
    timingSafeEqual(Buffer.from(known.tokenDigest, 'hex'), digest),
  );
  if (token === undefined || holder === undefined) {
    throw new VelaturaError('federated/unauthenticated', 'the request carries no token that holds');
  }
  if (!allowed.includes(holder.role)) {
    throw new VelaturaError('federated/forbidden', `this is not for the role "${holder.role}"`);
  }
  return holder;
}
