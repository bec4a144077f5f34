import { readFile } from 'node:fs/promises';
import { VelaturaError } from '../core/errors.ts';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type SimulationCheckpoint,
} from '../federated/simulation/checkpoint.ts';
import { replaceFile, sweepBesides } from './durable-file.ts';

/**
 * Writes where a simulation stands, in the place of what stood there: whatever happens, the file holds a whole
 * checkpoint, the new or the old one, and when this returns it is on the disk.
 *
 * @throws {VelaturaError} `data/unwritable`
 */
export async function saveSimulationCheckpoint(
  path: string,
  checkpoint: SimulationCheckpoint,
): Promise<void> {
  try {
    await sweepBesides(path);
    await replaceFile(path, encodeCheckpoint(checkpoint));
  } catch (cause) {
    throw new VelaturaError(
      'data/unwritable',
      `${path} cannot be written: ${(cause as Error).message}`,
      { file: path },
      { cause },
    );
  }
}

/**
 * Reads where a simulation stood.
 *
 * @returns null when there is no such file
 * @throws {VelaturaError} `data/missing-file` when it cannot be read, `federated/state-mismatch` when it is
 * no whole checkpoint
 */
export async function loadSimulationCheckpoint(path: string): Promise<SimulationCheckpoint | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new VelaturaError(
      'data/missing-file',
      `${path} cannot be read: ${(cause as Error).message}`,
      { file: path },
      { cause },
    );
  }
  return decodeCheckpoint(bytes);
}
