import type { RunMemory, RunSettings } from '../federated/example-level/run-memory.ts';
import type { ModelArchitecture } from '../federated/models/model-architecture.ts';

/** How a thread makes a model of its own: one of the built-in ones, or `new name(options)` of a module. */
export type ModelSource =
  | ModelArchitecture
  | {
      readonly kind: 'module';
      /** URL of the module. */
      readonly url: string;
      /** Class that it exports. */
      readonly name: string;
      /** The only argument of the constructor, plain JSON. */
      readonly options: unknown;
    };

/** Asks a thread to follow a run. */
export interface DpSgdRequest {
  readonly rank: number;
  readonly source: ModelSource;
  readonly settings: RunSettings;
  /** Every array on shared memory. */
  readonly memory: RunMemory;
}

/** Ready means: at the first barrier, with a model of that `modelFingerprint`. */
export type DpSgdReply =
  | { readonly kind: 'ready'; readonly fingerprint: string }
  | { readonly kind: 'failed'; readonly message: string };
