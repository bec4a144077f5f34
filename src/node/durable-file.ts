import { randomBytes } from 'node:crypto';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Milliseconds after which a file from {@link besides} belongs to nobody any more. */
const LEFT_OVER_AFTER = 60_000;
const BESIDES = /\.[0-9a-f]{12}\.new(?:-wal|-shm|-journal)?$/;

/** Writes a new file to the disk, readable by its owner only, and never over an old one. */
export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts new contents in the place of old ones: whatever happens, the file holds the one or the other. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const beside = besides(path);
  try {
    await writeNewFile(beside, bytes);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(path);
}

/** Makes durable that the file is in its folder. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A name beside the file that nothing else has. */
export function besides(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.new`;
}

/** Removes what processes that were killed left beside the file under names of {@link besides}. */
export async function sweepBesides(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const end = BESIDES.exec(name);
    if (end === null || name.slice(0, end.index) !== basename(path)) continue;
    const file = join(folder, name);
    // Another process may be faster, or this one not allowed to: whoever opens next tries again.
    const changed = await lstat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - changed > LEFT_OVER_AFTER) await rm(file, { force: true }).catch(() => {});
  }
}
