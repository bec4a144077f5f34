import { link, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex } from '@noble/hashes/utils.js';
import { sameBytes } from '../core/bytes.ts';
import { VelaturaError } from '../core/errors.ts';
import type { ModelStore, StoredStep } from '../federated/models/model-store.ts';
import { besides, replaceFile, sweepBesides, syncFolder, writeNewFile } from './durable-file.ts';

const HASH_LENGTH = 32;
const STEP_NAME = /^(\d{8})\.step$/;

/**
 * Versions of one model in a folder: `history/00000000.step`, … hold 32 bytes of hash and the step, and
 * `models/<sha256>.safetensors` the files, which any reader of safetensors can open. Files are readable by
 * their owner only, written beside, synced and then put in place, so that a process killed at any point leaves
 * the old state or the new one. Of several processes that add the same step one wins.
 *
 * The file system must support hard links.
 *
 * @param path - of the folder; made if it is not there
 * @throws {VelaturaError} `data/unwritable`
 */
export async function openModelFolder(path: string): Promise<ModelStore> {
  const history = join(path, 'history');
  const models = join(path, 'models');
  try {
    await mkdir(history, { recursive: true, mode: 0o700 });
    await mkdir(models, { recursive: true, mode: 0o700 });
    await syncFolder(history);
    await syncFolder(path);
  } catch (cause) {
    throw new VelaturaError(
      'data/unwritable',
      `${path}: expected a folder to write to`,
      {},
      {
        cause,
      },
    );
  }
  await sweepFolder(history);
  await sweepFolder(models);
  return new ModelFolder(history, models);
}

class ModelFolder implements ModelStore {
  readonly #history: string;
  readonly #models: string;

  constructor(history: string, models: string) {
    this.#history = history;
    this.#models = models;
  }

  async steps(from: number): Promise<readonly StoredStep[]> {
    const steps: StoredStep[] = [];
    const readOn = async (): Promise<void> => {
      for (;;) {
        const bytes = await readIfThere(this.#step(from + steps.length));
        if (bytes === null) return;
        steps.push({ hash: bytes.subarray(0, HASH_LENGTH), body: bytes.subarray(HASH_LENGTH) });
      }
    };
    await readOn();
    // A step taken away from the middle must not look like the end, nor one just added like a gap.
    if ((await this.#lastStep()) < from + steps.length) return steps;
    const before = steps.length;
    await readOn();
    if (steps.length > before) return steps;
    const seq = from + steps.length;
    throw new VelaturaError('core/broken-chain', `step ${seq} is missing, later ones are there`, {
      seq,
    });
  }

  async append(seq: number, step: StoredStep): Promise<boolean> {
    const target = this.#step(seq);
    const beside = besides(target);
    const bytes = new Uint8Array(HASH_LENGTH + step.body.length);
    bytes.set(step.hash);
    bytes.set(step.body, HASH_LENGTH);
    try {
      await writeNewFile(beside, bytes);
      // Unlike a rename it never replaces what another process put there.
      await link(beside, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(beside, { force: true });
    }
    await syncFolder(target);
    return true;
  }

  async putFile(hash: Uint8Array, bytes: Uint8Array): Promise<void> {
    const path = this.#model(hash);
    const there = await readIfThere(path);
    // Also mends a file that was damaged since.
    if (there === null || !sameBytes(there, bytes)) await replaceFile(path, bytes);
  }

  async getFile(hash: Uint8Array): Promise<Uint8Array | null> {
    return readIfThere(this.#model(hash));
  }

  #step(seq: number): string {
    return join(this.#history, `${String(seq).padStart(8, '0')}.step`);
  }

  #model(hash: Uint8Array): string {
    return join(this.#models, `${bytesToHex(hash)}.safetensors`);
  }

  async #lastStep(): Promise<number> {
    let last = -1;
    for (const name of await readdir(this.#history)) {
      const seq = STEP_NAME.exec(name)?.[1];
      if (seq !== undefined) last = Math.max(last, Number(seq));
    }
    return last;
  }
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Removes what processes that were killed left. */
async function sweepFolder(folder: string): Promise<void> {
  const targets = new Set<string>();
  for (const name of await readdir(folder)) {
    const end = name.search(/\.[0-9a-f]{12}\.new$/);
    if (end > 0) targets.add(name.slice(0, end));
  }
  for (const target of targets) await sweepBesides(join(folder, target));
}
