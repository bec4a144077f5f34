import { VelaturaError } from '../../core/errors.ts';
import type { Kernels, Workspace } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { type RandomSource, uniformInteger } from '../../core/random-source.ts';
import type { Batch, Trainable } from '../models/trainable.ts';

/** Local training of one round of federated averaging. Every number is a public constant. */
export interface LocalTraining {
  /** Passes over the own rows. */
  readonly localEpochs: number;
  /** Rows of one step; if left out all of them, so that a pass is one step of gradient descent. */
  readonly localBatchSize?: number;
  /** Of steps on the mean loss of a batch. */
  readonly localLearningRate: number;
  /**
   * Weight μ of the pull back to where the round started, μ/2 · ‖w − start‖² on top of the mean loss. Default 0.
   *
   * Source: FedProx, Li et al. (2020), arXiv 1812.06127.
   */
  readonly proximal?: number;
  /** Rows of one account that are used, the first ones; bounds the work, not the privacy. Default: all. */
  readonly maxRows?: number;
}

/** Where the rows of one account are to be written, `[rows, …]` from the start; longer than needed. */
export interface RowRoom {
  readonly features: Float32Array;
  readonly labels: Float32Array;
}

/**
 * Trains one account after the other from the same parameters, in arrays of its own that live as long as it
 * does: memory depends on the largest account, never on how many there are.
 */
export class LocalTrainer {
  readonly #model: Trainable;
  readonly #training: LocalTraining;
  readonly #kernels: Kernels;
  readonly #workspace: Workspace;
  readonly #start: Float32Array;
  readonly #local: Float32Array;
  readonly #gradient: Float32Array;
  readonly #whole: { readonly rows: number; readonly columns: number };
  #rows: RowArrays;

  /**
   * @param kernels - best those of the model, so that nothing is copied between them
   * @throws RangeError for training constants out of range
   */
  constructor(model: Trainable, training: LocalTraining, kernels: Kernels = selectKernels()) {
    checkTraining(training);
    this.#model = model;
    this.#training = training;
    this.#kernels = kernels;
    this.#workspace = kernels.workspace();
    this.#start = this.#workspace.float32(model.parameterCount);
    this.#local = this.#workspace.float32(model.parameterCount);
    this.#gradient = this.#workspace.float32(model.parameterCount);
    this.#whole = { rows: 1, columns: model.parameterCount };
    this.#rows = new RowArrays(model, kernels, training.localBatchSize ?? 0, 1);
  }

  /** @param parameters - where every account starts from now on, `[parameterCount]`; copied */
  startFrom(parameters: Float32Array): void {
    if (parameters.length !== this.#start.length) {
      throw new RangeError(
        `"parameters" expected ${this.#start.length} numbers, got ${parameters.length}`,
      );
    }
    this.#start.set(parameters);
  }

  /** Of that many rows of an account, how many are used. */
  usedRows(rows: number): number {
    return Math.min(rows, this.#training.maxRows ?? rows);
  }

  /**
   * Room for the rows of the next account. What the last one left there may still be in it: all of the rows
   * must be written, or one account trains on what belongs to another. {@link load} sees to that.
   *
   * @throws RangeError when there is not that much memory; what was there before stays good
   */
  room(rows: number): RowRoom {
    if (rows > this.#rows.capacity) {
      const batchSize = this.#training.localBatchSize ?? 0;
      const capacity = Math.max(rows, 2 * this.#rows.capacity);
      // The old arrays go when the new ones are there: an account too large must not leave freed memory behind.
      const larger = new RowArrays(this.#model, this.#kernels, batchSize, capacity);
      this.#rows.free();
      this.#rows = larger;
    }
    return this.#rows.room;
  }

  /**
   * Copies the rows of the next account into the room, as many as are used.
   *
   * @returns how many: what {@link update} is to be given
   * @throws {VelaturaError} `dp/invalid-contribution` when the arrays do not hold exactly `data.rows` rows
   */
  load({ rows, features, labels }: Batch): number {
    if (!Number.isSafeInteger(rows) || rows < 0) {
      throw invalidRows('"rows" expected a count');
    }
    const { inputDimension, outputDimension } = this.#model;
    if (features.length !== rows * inputDimension) {
      throw invalidRows(`"features" expected ${inputDimension} numbers in each row`);
    }
    if (labels.length !== rows * outputDimension) {
      throw invalidRows(`"labels" expected ${outputDimension} numbers in each row`);
    }
    const used = this.usedRows(rows);
    const room = this.room(used);
    room.features.set(features.subarray(0, used * inputDimension));
    room.labels.set(labels.subarray(0, used * outputDimension));
    return used;
  }

  /**
   * Trains on the rows last written into the room.
   *
   * @param rows - how many of them there are
   * @param random - decides which rows make a batch, anew in every pass; without it they come in order
   * @returns the change of the parameters, `[parameterCount]`; good until the next call
   */
  update(rows: number, random: RandomSource | null): Float32Array {
    const { localEpochs, localBatchSize = rows } = this.#training;
    const local = this.#local;
    local.set(this.#start);
    for (let epoch = 0; epoch < localEpochs && rows > 0; epoch++) {
      if (rows <= localBatchSize) {
        this.#descend(this.#rows.all(rows));
        continue;
      }
      const order = this.#rows.order(rows, random);
      for (let from = 0; from < rows; from += localBatchSize) {
        const to = Math.min(rows, from + localBatchSize);
        this.#descend(this.#rows.gather(order, from, to));
      }
    }
    this.#kernels.axpy(-1, this.#start, local);
    return local;
  }

  /** Gives the memory back; the trainer must not be used any more. */
  free(): void {
    this.#rows.free();
    this.#workspace.free();
  }

  #descend(batch: Batch): void {
    const { localLearningRate, proximal = 0 } = this.#training;
    const rate = localLearningRate / batch.rows;
    if (proximal === 0 && this.#model.descend !== undefined) {
      this.#model.descend(this.#local, batch, rate);
      return;
    }
    this.#model.gradient(this.#local, batch, this.#gradient);
    if (proximal > 0) {
      const pull = localLearningRate * proximal;
      PULL[0] = 1 - pull;
      this.#kernels.scaleRows(this.#whole, this.#local, PULL);
      this.#kernels.axpy(pull, this.#start, this.#local);
    }
    this.#kernels.axpy(-rate, this.#gradient, this.#local);
  }
}

const PULL = new Float32Array(1);

/** Without the lengths that came: how many rows somebody has is theirs. */
function invalidRows(message: string): VelaturaError {
  return new VelaturaError('dp/invalid-contribution', message);
}

/** The rows of an account, behind room for one batch of them in the same arrays. */
class RowArrays {
  readonly capacity: number;
  readonly room: RowRoom;
  readonly #workspace: Workspace;
  readonly #features: Float32Array;
  readonly #labels: Float32Array;
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #batchSize: number;
  readonly #order: Uint32Array;
  /** Views by their number of rows, made once. */
  readonly #batches = new Map<number, Batch>();
  readonly #wholes = new Map<number, Batch>();

  constructor(model: Trainable, kernels: Kernels, batchSize: number, capacity: number) {
    this.capacity = capacity;
    this.#inputs = model.inputDimension;
    this.#outputs = model.outputDimension;
    // Batches of what is no larger than the rows are all that is ever gathered.
    this.#batchSize = Math.min(batchSize, capacity);
    this.#workspace = kernels.workspace();
    const rows = this.#batchSize + capacity;
    try {
      this.#features = this.#workspace.float32(rows * this.#inputs);
      this.#labels = this.#workspace.float32(rows * this.#outputs);
      this.#order = new Uint32Array(capacity);
    } catch (error) {
      this.#workspace.free();
      throw error;
    }
    this.room = {
      features: this.#features.subarray(this.#batchSize * this.#inputs),
      labels: this.#labels.subarray(this.#batchSize * this.#outputs),
    };
  }

  /** All rows as one batch. */
  all(rows: number): Batch {
    return this.#view(this.#wholes, this.room, rows);
  }

  /** A new order of the rows. Fisher–Yates. */
  order(rows: number, random: RandomSource | null): Uint32Array {
    const order = this.#order;
    for (let i = 0; i < rows; i++) order[i] = i;
    if (random === null) return order;
    for (let i = rows - 1; i > 0; i--) {
      const j = uniformInteger(random, i + 1);
      const swap = order[i] as number;
      order[i] = order[j] as number;
      order[j] = swap;
    }
    return order;
  }

  /** Rows order[from … to) as one batch. */
  gather(order: Uint32Array, from: number, to: number): Batch {
    const [inputs, outputs, behind] = [this.#inputs, this.#outputs, this.#batchSize];
    for (let i = from; i < to; i++) {
      const row = behind + (order[i] as number);
      // Within one array nothing is allocated.
      this.#features.copyWithin((i - from) * inputs, row * inputs, (row + 1) * inputs);
      this.#labels.copyWithin((i - from) * outputs, row * outputs, (row + 1) * outputs);
    }
    return this.#view(this.#batches, { features: this.#features, labels: this.#labels }, to - from);
  }

  free(): void {
    this.#workspace.free();
  }

  #view(views: Map<number, Batch>, { features, labels }: RowRoom, rows: number): Batch {
    let batch = views.get(rows);
    if (batch === undefined) {
      batch = {
        rows,
        features: features.subarray(0, rows * this.#inputs),
        labels: labels.subarray(0, rows * this.#outputs),
      };
      views.set(rows, batch);
    }
    return batch;
  }
}

function checkTraining(training: LocalTraining): void {
  const {
    localEpochs,
    localBatchSize = 1,
    localLearningRate,
    proximal = 0,
    maxRows = 1,
  } = training;
  for (const [name, value] of Object.entries({ localEpochs, localBatchSize, maxRows })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
    }
  }
  if (!(localLearningRate > 0) || !Number.isFinite(localLearningRate)) {
    throw new RangeError(
      `"localLearningRate" expected a positive number, got ${localLearningRate}`,
    );
  }
  // Beyond that the pull overshoots the point it pulls to.
  if (!(proximal >= 0 && proximal * localLearningRate <= 1)) {
    throw new RangeError(
      `"proximal" expected a number in [0, 1 / localLearningRate], got ${proximal}`,
    );
  }
}
