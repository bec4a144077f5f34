import { type Batch, FederatedClient } from '../../../src/federated/index.ts';

/** What a hostile account holds: rows that look like anybody's. */
export interface Account {
  readonly name: string;
  readonly data: Batch;
}

/** Runs our code on labels turned round. */
export function labelFlip({ name, data }: Account): FederatedClient {
  return new FederatedClient(name, { ...data, labels: data.labels.map((label) => 1 - label) });
}

/** Runs our code on rows in which everybody wants one tag and nothing else: one account of a click farm. */
export function clickFarm({ name, data }: Account, tag: number, tags: number): FederatedClient {
  const labels = data.labels.map((_, i) => (i % tags === tag ? 1 : 0));
  return new FederatedClient(name, { ...data, labels });
}

/**
 * Runs code of its own: all who collude send the same direction, `factor` times as long as the clipping norm
 * allows. The clip on the device is left out.
 */
export class ColludingClient extends FederatedClient {
  readonly #direction: readonly number[];
  readonly #factor: number;

  constructor({ name, data }: Account, direction: readonly number[], factor: number) {
    super(name, data);
    this.#direction = direction;
    this.#factor = factor;
  }

  override contribute(
    ...[, encoder]: Parameters<FederatedClient['contribute']>
  ): ReturnType<FederatedClient['contribute']> {
    const scale = (this.#factor * encoder.integerNorm) / Math.hypot(...this.#direction);
    // What a plain sum lets through: whole numbers up to the bound in each coordinate.
    const bound = encoder.integerSensitivity;
    const vector = Float64Array.from(
      this.#direction,
      (value) => Math.max(-bound, Math.min(bound, Math.trunc(value * scale))) + 0,
    );
    return { vector, clipped: false };
  }
}
