import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Images } from '../oriented-gradients.ts';

/** Handwritten digits with what they are. */
export interface Digits {
  readonly images: Images;
  /** 0 … 9, one an image. */
  readonly labels: Uint8Array;
}

export interface Mnist {
  readonly train: Digits;
  readonly test: Digits;
}

/** MNIST from the IDX files of a folder, the training images in three parts. */
export function readMnist(folder: string): Mnist {
  const parts = [0, 1, 2].map((part) => join(folder, `train-images-${part}.idx3-ubyte.gz`));
  return {
    train: {
      images: readImages(parts),
      labels: readIdx(join(folder, 'train-labels-idx1-ubyte.gz')).data,
    },
    test: {
      images: readImages([join(folder, 't10k-images-idx3-ubyte.gz')]),
      labels: readIdx(join(folder, 't10k-labels-idx1-ubyte.gz')).data,
    },
  };
}

function readImages(files: readonly string[]): Images {
  const parts = files.map(readIdx);
  const [, size = 0] = parts[0]?.dimensions ?? [];
  const pixels = new Uint8Array(parts.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of parts) {
    pixels.set(data, at);
    at += data.length;
  }
  return { count: pixels.length / (size * size), size, pixels };
}

/** An IDX file of bytes: two zeros, the type, the number of dimensions, the dimensions, the data. */
function readIdx(file: string): { dimensions: number[]; data: Uint8Array } {
  const bytes = gunzipSync(readFileSync(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0) !== 0 || view.getUint8(2) !== 8)
    throw new Error(`${file}: no IDX of bytes`);
  const rank = view.getUint8(3);
  const dimensions = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const data = new Uint8Array(bytes.subarray(4 + 4 * rank));
  if (data.length !== dimensions.reduce((product, length) => product * length, 1)) {
    throw new Error(`${file}: ends in the middle`);
  }
  return { dimensions, data };
}
