import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

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
