import { createHash, randomBytes } from 'node:crypto';
import { VelaturaError } from '../../core/errors.ts';
import type { CoordinatorDatabase } from './coordinator-database.ts';

/** What an invite allows. */
export interface InviteTerms {
  /** Account of all who use it; null makes a new account for each. */
  readonly account: string | null;
  readonly uses: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

const TOKEN_BYTES = 32;

/**
 * Which key belongs to which account. An account may have several devices and is asked once in a round.
 *
 * ## Privacy
 * Sybil assumption: whoever gives out invites gives each person one account. Of an invite only a digest is kept.
 */
export class MemberDirectory {
  readonly #database: CoordinatorDatabase;
  readonly #now: () => number;

  constructor(database: CoordinatorDatabase, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  /** Makes an invite; it is not shown again. */
  invite({ account, uses, expires }: InviteTerms): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.#database.transaction((connection) =>
      connection.run('insert into invites values (?, ?, ?, ?)', [
        ...[digestOf(token), account, uses, expires],
      ]),
    );
    return token;
  }

  /**
   * Makes a key known. The same key again changes nothing, and uses nothing up.
   *
   * @throws {VelaturaError} `federated/invalid-invite`
   */
  enrol(key: string, invite: string): void {
    this.#database.transaction((connection) => {
      if (connection.rows('select 1 from members where key = ?', [key]).length > 0) return;
      const digest = digestOf(invite);
      const [row] = connection.rows('select account, uses, expires from invites where digest = ?', [
        digest,
      ]);
      const [account = null, uses = 0, expires = 0] = row ?? [];
      if (Number(uses) < 1 || Number(expires) < this.#now()) {
        throw new VelaturaError(
          'federated/invalid-invite',
          'the invite was never given out, was used up or has expired',
        );
      }
      connection.run('update invites set uses = uses - 1 where digest = ?', [digest]);
      connection.run('insert into members values (?, ?, ?)', [
        ...[key, account ?? `account-${randomBytes(16).toString('hex')}`, this.#now()],
      ]);
    });
  }

  /** @throws {VelaturaError} `federated/not-enrolled` */
  accountOf(key: string): string {
    const [row] = this.#database.transaction((connection) =>
      connection.rows('select account from members where key = ?', [key]),
    );
    if (row === undefined) {
      throw new VelaturaError('federated/not-enrolled', 'no account has this key');
    }
    return row[0] as string;
  }

  /** Keys that are enrolled. */
  get size(): number {
    const [row] = this.#database.transaction((connection) =>
      connection.rows('select count(*) from members'),
    );
    return Number(row?.[0]);
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
