import type { VelaturaErrorCode } from '../core/errors.ts';
import type { CatalogueFrame } from '../he/catalogue.ts';
import type { CatalogueBlock } from '../he/catalogue-block.ts';
import type { HeParametersLiteral } from '../he/parameters.ts';

/** A shard with the number it has in the catalogue. */
export interface NumberedShard {
  readonly shard: number;
  /** Their arrays lie on shared memory. */
  readonly blocks: readonly CatalogueBlock[];
}

/** Asks a thread to hold some shards of a catalogue, or to score a query on one of them. */
export type ScoringRequest =
  | {
      readonly kind: 'load';
      /** The parameter set travels as its numbers. */
      readonly frame: Omit<CatalogueFrame, 'parameters'>;
      readonly parameters: HeParametersLiteral;
      readonly secure: boolean;
      readonly version: string;
      readonly items: number;
      /** The shards that have changed; those from `shards` on are forgotten. */
      readonly changed: readonly NumberedShard[];
      readonly shards: number;
    }
  | {
      readonly kind: 'score';
      readonly shard: number;
      /** Requests of one number carry one query; they follow each other. */
      readonly number: number;
      /** On shared memory. */
      readonly query: Uint8Array;
    };

/** The answers, in order. */
export type ScoringAnswer =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'scored'; readonly blocks: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'refused'; readonly code: VelaturaErrorCode; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };
