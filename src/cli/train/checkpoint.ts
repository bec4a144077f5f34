import { existsSync, readFileSync } from 'node:fs';
import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { decodeFedAvgState, encodeFedAvgState } from '../../federated/methods/fedavg-state.ts';
import type { TagRunState } from '../../federated/simulation/sweep-run.ts';
import { replaceFile } from '../../node/durable-file.ts';

/** Where a charged run stands: only what was released and paid for, and who was asked. */
export interface Checkpoint {
  /** Digest of the table and of all that the run was told. */
  readonly task: string;
  readonly runId: string;
  /** Counted from 0: each time the run goes on, a release that had begun is made and charged anew. */
  readonly attempt: number;
  /** Releases behind us. */
  readonly done: number;
  /** Numbers of the releases that had begun when the run was stopped: charged, and perhaps seen. */
  readonly lost: readonly number[];
  /** Rows of the table that are trained on. */
  readonly rows: Uint32Array;
  readonly baselines: boolean;
  readonly state: TagRunState;
}

const VERSION = 1;

/** Writes where the run stands, whole or not at all, before its next release begins. */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { state, rows, lost, ...plain } = checkpoint;
  const { popularity, training } = state;
  await replaceFile(
    path,
    encodeCanonical({
      version: VERSION,
      ...plain,
      lost: [...lost],
      rows: Uint8Array.from(new Uint8Array(rows.slice().buffer)),
      popularity: popularity === null ? null : [...popularity],
      fedavg: training?.kind === 'fedavg' ? encodeFedAvgState(training.state) : null,
      preconditioned:
        training?.kind === 'preconditioned'
          ? {
              fingerprint: training.state.fingerprint,
              releases: training.state.releases.map(({ value, noiseStddev }) => ({
                value: [...value],
                noiseStddev,
              })),
            }
          : null,
    }),
  );
}

/**
 * Reads where a run stands; null when there is no such file.
 *
 * @throws {VelaturaError} `data/invalid-value` for a damaged file or one of another run
 */
export function readCheckpoint(path: string, task: string): Checkpoint | null {
  if (!existsSync(path)) return null;
  let fields: Stored;
  try {
    fields = decodeCanonical(readFileSync(path)) as Stored;
    if (fields.version !== VERSION) throw new TypeError('another version');
    const { fedavg, preconditioned, popularity, rows, ...plain } = fields;
    if (plain.task === task) {
      return {
        ...plain,
        rows: new Uint32Array(Uint8Array.from(rows).buffer),
        state: {
          popularity: popularity === null ? null : Float32Array.from(popularity),
          training:
            fedavg !== null
              ? { kind: 'fedavg', state: decodeFedAvgState(fedavg) }
              : preconditioned === null
                ? null
                : {
                    kind: 'preconditioned',
                    state: {
                      fingerprint: preconditioned.fingerprint,
                      releases: preconditioned.releases.map(({ value, noiseStddev }) => ({
                        value: Float64Array.from(value),
                        noiseStddev,
                      })),
                    },
                  },
        },
      };
    }
  } catch (cause) {
    throw new VelaturaError(
      'data/invalid-value',
      `${path} is damaged; what was charged stays charged`,
      { file: path },
      { cause },
    );
  }
  throw new VelaturaError(
    'data/invalid-value',
    `${path} is of another run that was not finished; go on with that one, or choose another folder`,
    { file: path },
  );
}

interface Stored extends Omit<Checkpoint, 'state' | 'rows'> {
  readonly version: number;
  readonly rows: Uint8Array;
  readonly popularity: readonly number[] | null;
  readonly fedavg: Uint8Array | null;
  readonly preconditioned: {
    readonly fingerprint: string;
    readonly releases: readonly {
      readonly value: readonly number[];
      readonly noiseStddev: number;
    }[];
  } | null;
}
