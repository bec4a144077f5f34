import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { VelaturaError } from '../../core/errors.ts';
import type { TagExperiment } from '../../federated/simulation/sweep-run.ts';
import { DEFAULT_BOUNDS, readBoundsFile } from '../../node/bounds-file.ts';
import { readTable } from '../../node/table-reader.ts';
import { buildTrainingTable, type TableReadings } from '../../node/training-table.ts';
import type { Terminal } from '../terminal.ts';

/** Where the data is and what its columns mean. */
export interface TaskSource {
  readonly data: string;
  readonly user?: string;
  readonly features: string;
  readonly labels: string;
  readonly bounds?: string;
}

/** A table ready to train on. */
export interface TagDataTask {
  readonly experiment: TagExperiment;
  readonly readings: TableReadings;
}

/**
 * Reads the table and turns it into a task by public rules.
 *
 * @throws {VelaturaError} `data/*`, naming file, line and column
 */
export async function readTask(source: TaskSource): Promise<TagDataTask> {
  const bounds = source.bounds === undefined ? DEFAULT_BOUNDS : readBoundsFile(source.bounds);
  const training = buildTrainingTable(await readTable(source.data), source, bounds);
  const { table, features, labelDensity, persistence, sharedTags, readings } = training;
  return {
    experiment: {
      table,
      features,
      prior: { labelDensity, persistence },
      hasHistory: sharedTags,
    },
    readings,
  };
}

/**
 * Holds the number of users against the least that is trained on.
 *
 * @throws {VelaturaError} `federated/cohort-too-small`
 */
export function requireCohort(users: number, minimum: number): void {
  if (users >= minimum) return;
  throw new VelaturaError(
    'federated/cohort-too-small',
    `${users} users to train on are fewer than the minimum of ${minimum} (--minimum-cohort)`,
    { users, minimum },
  );
}

/** Says what was read; facts about people, so to the person at the terminal only. */
export function sayReadings({ experiment, readings }: TagDataTask, { say, style }: Terminal): void {
  const { table, features, prior } = experiment;
  say(
    `${table.users.length} users (${readings.rows} rows), ${features.length} features, ${table.tags.length} ${table.tags.length === 1 ? 'label' : 'labels'}`,
  );
  if (prior.persistence !== 0) {
    say('features and labels are the same tags: training starts from one’s own past');
  }
  if (readings.clippedValues > 0) {
    say(style.warn(`${readings.clippedValues} values were beyond their public bound: clipped`));
  }
  if (readings.usersWithoutFeatures > 0) {
    say(style.warn(`${readings.usersWithoutFeatures} users have no feature above 0`));
  }
}

/** Digest of the table, its rules and the terms under which it is used: what is kept of a run goes with it. */
export async function taskDigest(source: TaskSource, terms: readonly unknown[]): Promise<string> {
  const { user, features, labels, bounds } = source;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(source.data)) hash.update(chunk as Buffer);
  hash.update('\0');
  if (bounds !== undefined) hash.update(readFileSync(bounds));
  const columns = [user ?? null, features, labels, bounds !== undefined];
  hash.update(`\0${JSON.stringify([columns, terms])}`);
  return hash.digest('hex');
}
