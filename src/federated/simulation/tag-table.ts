import { rowBatch, withConstant } from '../methods/feature-design.ts';
import { FederatedClient } from '../rounds/client.ts';

/**
 * Many users in one table, one row each: what a simulation has and a deployment never sees in one place.
 * All matrices are row-major.
 */
export interface TagTable {
  readonly users: readonly string[];
  readonly tags: readonly string[];
  /** `[users, features]`, each row of norm at most 1, without the constant. */
  readonly phi: Float32Array;
  /** `[users, tags]`: how strong each tag is in the own past, for the history baseline. */
  readonly history: Float32Array;
  /** `[users, tags]`, 0 or 1. */
  readonly labels: Float32Array;
}

/** Some rows of a row-major matrix. `[rows.length, width]` */
export function selectRows(
  matrix: Float32Array,
  width: number,
  rows: ArrayLike<number>,
): Float32Array {
  const selected = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    selected.set(matrix.subarray(row * width, (row + 1) * width), i * width);
  }
  return selected;
}

/** Number of columns of `phi`. */
export function featureWidth(table: TagTable): number {
  return table.phi.length / table.users.length;
}

/** Design rows (constant first) of some users. `[rows.length, features + 1]` */
export function designRows(table: TagTable, rows: ArrayLike<number>, beta: number): Float32Array {
  const width = featureWidth(table);
  return withConstant(selectRows(table.phi, width, rows), width, beta);
}

/** One client a row: hands each its own rows and nothing else. */
export function simulatedClients(
  table: TagTable,
  rows: ArrayLike<number>,
  beta: number,
): FederatedClient[] {
  const width = featureWidth(table) + 1;
  const design = designRows(table, rows, beta);
  const labels = selectRows(table.labels, table.tags.length, rows);
  return Array.from(
    { length: rows.length },
    (_, i) =>
      new FederatedClient(
        table.users[rows[i] as number] as string,
        rowBatch(design, labels, i, width, table.tags.length),
      ),
  );
}
