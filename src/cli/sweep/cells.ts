import { existsSync, readFileSync } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import { VelaturaError } from '../../core/errors.ts';
import type { SweepCellResult } from '../../federated/simulation/sweep.ts';
import { syncFolder } from '../../node/durable-file.ts';

/** What a file of cells begins with: cells of another task are never mixed in. */
interface CellsHeader {
  readonly format: 'velatura-sweep';
  readonly version: 1;
  /** Digest of the data and of everything that changes what a cell means. */
  readonly task: string;
}

/** An epsilon of Infinity, which JSON has no number for. */
const INFINITE = 'inf';

/**
 * The finished cells of a sweep in a file, a line of JSON each, on the disk before the next one counts. A last
 * line that a crash cut short is dropped.
 */
export class SweepCells {
  /** Cells that were there when the file was opened. */
  readonly finished: readonly SweepCellResult[];
  readonly #file: FileHandle;

  private constructor(file: FileHandle, finished: readonly SweepCellResult[]) {
    this.#file = file;
    this.finished = finished;
  }

  /**
   * Opens the file or begins it.
   *
   * @param task - digest of what a cell depends on
   * @throws {VelaturaError} `data/invalid-value` when the file is of another task or damaged; `data/unwritable`
   */
  static async open(path: string, task: string): Promise<SweepCells> {
    try {
      const finished = existsSync(path) ? await recover(path, task) : null;
      const file = await open(path, 'a', 0o600);
      if (finished === null) {
        const header: CellsHeader = { format: 'velatura-sweep', version: 1, task };
        await file.appendFile(`${JSON.stringify(header)}\n`);
        await file.sync();
        await syncFolder(path);
      }
      return new SweepCells(file, finished ?? []);
    } catch (error) {
      if (error instanceof VelaturaError) throw error;
      throw new VelaturaError(
        'data/unwritable',
        `${path} cannot be written: ${(error as Error).message}`,
        { file: path },
        { cause: error },
      );
    }
  }

  /** Keeps a finished cell. */
  async add(result: SweepCellResult): Promise<void> {
    const line = JSON.stringify(result, (_, value: unknown) =>
      value === Infinity ? INFINITE : value,
    );
    await this.#file.appendFile(`${line}\n`);
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Reads what is whole and cuts off what is not; null for a file without its first line. */
async function recover(path: string, task: string): Promise<SweepCellResult[] | null> {
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  const [first, ...lines] = whole.split('\n').slice(0, -1);
  if (first === undefined) return null;
  const header = parseLine(path, first, 1) as Partial<CellsHeader>;
  if (header.format !== 'velatura-sweep' || header.version !== 1) {
    throw new VelaturaError('data/invalid-value', `${path} is no file of a sweep`, { file: path });
  }
  if (header.task !== task) {
    throw new VelaturaError(
      'data/invalid-value',
      `${path} is of another sweep (other data, columns, bounds, delta, seed, split or noise); choose another folder`,
      { file: path },
    );
  }
  return lines.map((line, i) => {
    const result = parseLine(path, line, i + 2) as SweepCellResult;
    if (typeof result.cell?.id !== 'string') throw damaged(path, i + 2);
    return result;
  });
}

function parseLine(path: string, line: string, number: number): unknown {
  try {
    const value: unknown = JSON.parse(line, (key, field: unknown) =>
      key === 'epsilon' && field === INFINITE ? Infinity : field,
    );
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, with the place.
  }
  throw damaged(path, number);
}

function damaged(file: string, line: number): VelaturaError {
  return new VelaturaError('data/invalid-value', `${file}:${line}: the line is damaged`, {
    file,
    line,
  });
}
