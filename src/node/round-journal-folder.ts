import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VelaturaError } from '../core/errors.ts';
import type { RoundJournal } from '../federated/index.ts';
import { syncFolder, writeNewFile } from './durable-file.ts';

/**
 * Remembers which rounds have begun, one file a round in a folder: durable before `begin` returns, and shared by
 * all processes that use the folder. Losing the folder makes rounds repeatable, so keep it as the budget is kept.
 */
export class FolderRoundJournal implements RoundJournal {
  readonly durable = true;
  readonly #folder: string;

  /** @param folder - made if it is not there */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws {VelaturaError} `data/unwritable` when the note cannot be made durable; then the round must not run */
  async begin(roundId: string): Promise<boolean> {
    // Ids hold slashes and may be longer than a file name.
    const path = join(this.#folder, createHash('sha256').update(roundId).digest('hex'));
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeNewFile(path, new TextEncoder().encode(roundId));
      await syncFolder(path);
      await syncFolder(this.#folder);
      return true;
    } catch (cause) {
      // Also from a process that was killed while it wrote: that round may have gone on.
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw new VelaturaError(
        'data/unwritable',
        `${this.#folder} cannot keep a durable record of rounds`,
        { folder: this.#folder },
        { cause },
      );
    }
  }
}
