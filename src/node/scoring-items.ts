import { readFileSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import { decodeNpy } from '../federated/models/npy.ts';
import { decodeSafetensors } from '../federated/models/safetensors.ts';
import type { Tensor } from '../federated/models/tensor.ts';
import { numberColumn } from './table.ts';
import { readTable, TABLE_ENDINGS } from './table-reader.ts';

/** Where in a file the items are. */
export interface ItemFileOptions {
  /** Name of the tensor in a safetensors file; needed if it holds several. */
  readonly tensor?: string;
  /** Columns of a table, one per feature; by default all of them. */
  readonly columns?: readonly string[];
}

/** An item matrix from a file. */
export interface ItemMatrix {
  /** `[rows, dimensions]`. */
  readonly items: Float32Array;
  readonly dimensions: number;
}

/**
 * Reads an item matrix: `.npy` and `.safetensors` hold one tensor of two dimensions, the tables of `readTable`
 * (`.parquet`, `.csv`, `.jsonl`) a row per item and a number per column.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/empty`, `data/truncated`, `data/missing-column`,
 *   `data/invalid-value`, `federated/invalid-model-file`
 */
export async function readItems(path: string, options: ItemFileOptions = {}): Promise<ItemMatrix> {
  const name = path.toLowerCase();
  if (name.endsWith('.npy')) return matrixOf(path, decodeNpy(bytesOf(path)));
  if (name.endsWith('.safetensors')) {
    const { tensors } = decodeSafetensors(bytesOf(path));
    const wanted = options.tensor ?? (tensors.size === 1 ? [...tensors.keys()][0] : undefined);
    const tensor = wanted === undefined ? undefined : tensors.get(wanted);
    if (tensor === undefined) {
      const names = [...tensors.keys()].join(', ');
      throw wrong(path, `expected the name of one of its tensors (${names}), got ${wanted}`);
    }
    return matrixOf(path, tensor);
  }
  if (!TABLE_ENDINGS.some((ending) => name.endsWith(ending))) {
    const endings = ['.npy', '.safetensors', ...TABLE_ENDINGS].join(', ');
    throw wrong(path, `expected a name that ends in one of ${endings}`);
  }
  const table = await readTable(path);
  const columns = (options.columns ?? table.header).map((column) => numberColumn(table, column));
  const dimensions = columns.length;
  const items = new Float32Array(table.rows.length * dimensions);
  columns.forEach((column, feature) => {
    column.forEach((value, row) => {
      items[row * dimensions + feature] = value;
    });
  });
  return { items, dimensions };
}

function matrixOf(path: string, { shape, values }: Tensor): ItemMatrix {
  const [rows, dimensions] = shape;
  if (shape.length !== 2 || rows === 0 || dimensions === undefined || dimensions === 0) {
    throw wrong(path, `expected a tensor of two dimensions, got shape [${shape.join(', ')}]`);
  }
  const items = values instanceof Float32Array ? values : Float32Array.from(values, Number);
  return { items, dimensions };
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new VelaturaError('data/missing-file', `${path} cannot be read`, { path }, { cause });
  }
}

function wrong(path: string, problem: string): VelaturaError {
  return new VelaturaError('data/invalid-value', `${path} ${problem}`, { path });
}
