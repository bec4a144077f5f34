import { statSync } from 'node:fs';
import type { SqliteConnection } from './sqlite.ts';
import { corruptFile } from './sqlite-budget-schema.ts';

/** Notices that a file or its journal is not the one that SQLite has open. */
export class SqliteFileGuard {
  readonly #path: string;
  readonly #connection: SqliteConnection;
  readonly #inode: number;
  #journalInode: number | null = null;
  /** When the file itself, not its journal, was last written. */
  #changed = 0;

  /** @param inode - of the file before it was opened */
  constructor(path: string, connection: SqliteConnection, inode: number) {
    this.#path = path;
    this.#connection = connection;
    this.#inode = inode;
  }

  /** @throws {VelaturaError} `dp/budget-corrupt` */
  assertSame(): void {
    const file = statSync(this.#path, { throwIfNoEntry: false });
    if (file?.ino !== this.#inode) {
      throw corruptFile(this.#path, 'the file was removed or replaced while in use');
    }
    if (file.ctimeMs !== this.#changed) {
      this.#changed = file.ctimeMs;
      // SQLite would go on with the pages it remembers, whatever somebody copied over the file.
      this.#connection.exec('pragma shrink_memory');
    }
    const journal = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.ino ?? null;
    this.#journalInode ??= journal;
    if (journal !== this.#journalInode) {
      throw corruptFile(this.#path, 'its journal was removed or replaced while in use');
    }
  }
}
