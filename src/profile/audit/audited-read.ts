import type { SceneData } from '../scenes.ts';
import type { Purpose } from '../schema.ts';
import type { AuditLog } from './audit-log.ts';

/** Who reads what of whom, and for what. */
export interface AuditedUse<S extends string> {
  readonly actor: string;
  /** Party on whose behalf. */
  readonly party: string;
  readonly scene: S;
  readonly purpose: Purpose;
  /** Tags or kinds that the reader gets to see. */
  readonly items: readonly string[];
  /** Account id of the person; the log keeps its own name for it. */
  readonly account: string;
}

/**
 * Reads data of a scene and leaves an entry that says so. The entry is durable before the data is handed out:
 * a reader that is stopped in between has read nothing, and one that reads is in the log.
 *
 * A read that the scene refuses leaves no entry, because nothing was read.
 *
 * @throws {VelaturaError} `profile/flow-unauthorised`; `data/unwritable` when the log cannot be written, and
 * then nothing is handed out
 */
export async function auditedRead<S extends string, T>(
  log: AuditLog,
  data: SceneData<S, T>,
  use: AuditedUse<NoInfer<S>>,
): Promise<T> {
  const { actor, party, scene, purpose, items, account } = use;
  const value = data.read(scene, purpose);
  const subject = log.subject(account);
  log.append({ kind: 'read', actor, party, scene, purpose, items: [...items], subject });
  await log.flush();
  return value;
}
