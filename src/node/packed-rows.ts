/** A number and some byte strings, as many in every row. */
export type Row = readonly [number, ...Uint8Array[]];

const WORD = 8;

/**
 * Rows in one buffer, which can change hands between threads instead of being copied: the number of rows
 * and of columns, then of each row its number and lengths, then all bytes behind each other. Only the bytes
 * themselves travel, even where they are small parts of large buffers.
 */
export function packRows(rows: readonly Row[]): ArrayBuffer {
  const columns = rows[0]?.length ?? 1;
  const words = 2 + columns * rows.length;
  let length = WORD * words;
  for (const row of rows) {
    if (row.length !== columns) throw new RangeError(`"rows" expected ${columns} columns each`);
    for (let c = 1; c < columns; c++) length += (row[c] as Uint8Array).length;
  }
  const buffer = new ArrayBuffer(length);
  const head = new Float64Array(buffer, 0, words);
  const bytes = new Uint8Array(buffer);
  head[0] = rows.length;
  head[1] = columns;
  let word = 2;
  let at = WORD * words;
  for (const row of rows) {
    head[word++] = row[0];
    for (let c = 1; c < columns; c++) {
      const blob = row[c] as Uint8Array;
      head[word++] = blob.length;
      bytes.set(blob, at);
      at += blob.length;
    }
  }
  return buffer;
}

/** The rows of {@link packRows}; their bytes are views on the buffer. */
export function unpackRows(buffer: ArrayBuffer): Row[] {
  const [count, columns] = new Float64Array(buffer, 0, 2) as unknown as [number, number];
  const head = new Float64Array(buffer, 2 * WORD, count * columns);
  const rows: Row[] = [];
  let word = 0;
  let at = WORD * (2 + head.length);
  for (let i = 0; i < count; i++) {
    const row: [number, ...Uint8Array[]] = [head[word++] as number];
    for (let c = 1; c < columns; c++) {
      const length = head[word++] as number;
      row.push(new Uint8Array(buffer, at, length));
      at += length;
    }
    rows.push(row);
  }
  return rows;
}
