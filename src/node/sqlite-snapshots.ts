import type { StateSnapshot } from '../dp/budget/store.ts';
import type { SqliteConnection } from './sqlite.ts';
import type { SnapshotPart } from './sqlite-budget-messages.ts';

/** Snapshots in rows of moderate size, written one by one; a snapshot counts once all its parts are there. */
export class SqliteSnapshots {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** The newest of which every part is there. */
  newest(): StateSnapshot | null {
    const [whole] = this.#whole(-1);
    if (whole === undefined) return null;
    const { seq, writer } = whole;
    const parts = this.#connection
      .rows('select bytes from snapshots where seq = ? and writer = ? order by part', [seq, writer])
      .map(([bytes]) => bytes as Uint8Array);
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return { seq, bytes };
  }

  /** False when one at least as new is kept already. */
  wants(seq: number): boolean {
    return this.#whole(seq - 1).length === 0;
  }

  /** Inserts a part within an open transaction; the last one takes the place of all older snapshots. */
  insert({ seq, writer, part, parts, bytes }: SnapshotPart): void {
    this.#connection.run(
      'insert into snapshots (seq, writer, part, parts, bytes) values (?, ?, ?, ?, ?)',
      [seq, writer, part, parts, bytes],
    );
    if (part === parts - 1) this.#dropOlder();
  }

  #dropOlder(): void {
    const [newest] = this.#whole(-1);
    if (newest === undefined) return;
    const { seq, writer } = newest;
    const connection = this.#connection;
    // Snapshots name nobody: there is nothing to wipe.
    connection.exec('pragma secure_delete = off');
    try {
      connection.run('delete from snapshots where seq < ? or (seq = ? and writer <> ?)', [
        seq,
        seq,
        writer,
      ]);
    } finally {
      connection.exec('pragma secure_delete = on');
    }
  }

  /** Newest first. */
  #whole(after: number): readonly { readonly seq: number; readonly writer: number }[] {
    return this.#connection
      .rows(
        `select seq, writer from snapshots where seq > ?
         group by seq, writer having count(*) = max(parts) order by seq desc, writer`,
        [after],
      )
      .map(([seq, writer]) => ({ seq: Number(seq), writer: Number(writer) }));
  }
}
