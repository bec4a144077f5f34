import { VelaturaError } from '../../core/errors.ts';
import { verifyEd25519 } from '../ed25519.ts';
import type { CoordinatorDatabase } from './coordinator-database.ts';
import type { Role, RoleHolder } from './roles.ts';

/** Roles that must both have signed before a model goes live. */
const SIGNERS: readonly Role[] = ['operator', 'privacy-officer'];

/** One signature on a model. */
export interface Approval {
  readonly role: Role;
  /** Hexadecimal. */
  readonly key: string;
  /** Hexadecimal. */
  readonly signature: string;
}

/** A model that was approved by all roles that have to. */
export interface LiveModel {
  readonly version: number;
  readonly sha256: string;
  readonly approvals: readonly Approval[];
}

/** What is signed to approve a model. */
export function approvalMessage(taskDigest: string, version: number, sha256: string): Uint8Array {
  return new TextEncoder().encode(`velatura-approval-v1\0${taskDigest}/${version}/${sha256}`);
}

/** Which models went live: those that an operator and a privacy officer signed. Training goes on without it. */
export class Approvals {
  readonly #database: CoordinatorDatabase;
  readonly #taskDigest: string;

  constructor(database: CoordinatorDatabase, taskDigest: string) {
    this.#database = database;
    this.#taskDigest = taskDigest;
  }

  /**
   * Takes the signature of one role; a second one of the same role changes nothing.
   *
   * @param signature - hexadecimal
   * @throws {VelaturaError} `federated/forbidden` for a role that approves nothing; `federated/unauthenticated` for a
   * signature that does not hold
   */
  approve(
    { role, key }: RoleHolder,
    version: number,
    sha256: string,
    signature: string,
    time: number,
  ): void {
    if (key === null || !SIGNERS.includes(role)) {
      throw new VelaturaError('federated/forbidden', `the role "${role}" approves no models`);
    }
    const message = approvalMessage(this.#taskDigest, version, sha256);
    const isSigned = verifyEd25519(
      Uint8Array.from(Buffer.from(key, 'hex')),
      message,
      Uint8Array.from(Buffer.from(signature, 'hex')),
    );
    if (!isSigned) {
      throw new VelaturaError('federated/unauthenticated', 'the signature does not hold');
    }
    this.#database.transaction((connection) =>
      connection.run('insert or ignore into approvals values (?, ?, ?, ?, ?, ?)', [
        ...[version, sha256, role, key, signature, time],
      ]),
    );
  }

  /** The newest model that is live; null before the first. */
  live(): LiveModel | null {
    const rows = this.#database.transaction((connection) =>
      connection.rows(
        `select version, sha256, role, key, signature from approvals where version = (
           select max(version) from (select version from approvals group by version, sha256
             having count(distinct role) = ?)) order by role`,
        [SIGNERS.length],
      ),
    );
    const [first] = rows;
    if (first === undefined) return null;
    return {
      version: Number(first[0]),
      sha256: first[1] as string,
      approvals: rows.map(([, , role, key, signature]) => ({
        ...{ role: role as Role, key: key as string, signature: signature as string },
      })),
    };
  }
}
