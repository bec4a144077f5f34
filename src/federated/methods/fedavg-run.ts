import { VelaturaError } from '../../core/errors.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { isInsecure } from '../../dp/plan.ts';
import type { Trainable } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import type { DistributedNoise } from '../rounds/distributed-noise.ts';
import { LayeredEncoder } from '../rounds/layered-encoder.ts';
import { LocalTrainer } from '../rounds/local-trainer.ts';
import {
  attemptPrivateRound,
  type LostRound,
  type RoundEnvironment,
  type RoundOutcome,
  type RoundRequest,
} from '../rounds/private-round.ts';
import { MemoryRoundJournal, type RoundJournal } from '../rounds/round-journal.ts';
import type { SharedCharge } from '../rounds/round-noise.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';
import { CorrelatedNoise } from './correlated-noise.ts';
import type { FedAvgOptions, FedAvgResult } from './fedavg.ts';
import { runFingerprint } from './fedavg-fingerprint.ts';
import { fedAvgTerms } from './fedavg-plan.ts';
import { type FedAvgState, mismatch } from './fedavg-state.ts';
import { noiseResponse } from './noise-response.ts';
import {
  askedInRound,
  checkTerms,
  correlatedMultiplier,
  correlatedPlan,
  groupOfRound,
  type RunTerms,
  runPlan,
} from './participation.ts';
import {
  type AverageState,
  addIterate,
  checkAveraging,
  type WeightAveraging,
} from './server-averaging.ts';
import { initialState, type OptimiserState, type ServerOptimiser } from './server-optimiser.ts';
import { plainSteps } from './server-optimiser-descent.ts';

/** The state of one run of federated averaging, and how it moves from round to round. */
export class FedAvgRun {
  readonly #environment: RoundEnvironment;
  readonly #clients: readonly FederatedClient[];
  readonly #options: FedAvgOptions;
  readonly #terms: RunTerms;
  readonly #rates: readonly number[];
  readonly #averaging: WeightAveraging;
  readonly #optimiser: ServerOptimiser;
  readonly #encoder: UpdateEncoder;
  readonly #distributed: DistributedNoise | null;
  readonly #trainer: LocalTrainer;
  readonly #noise: CorrelatedNoise | null;
  readonly #journal: RoundJournal;
  readonly #fingerprint: string;
  readonly #optimiserState: OptimiserState;
  readonly #average: AverageState;
  readonly #released: number[] = [];
  readonly #lost: number[] = [];
  #noiseStddev = 0;
  /** `[parameterCount]` */
  readonly parameters: Float64Array;

  constructor(
    environment: RoundEnvironment,
    model: Trainable,
    initialParameters: Float32Array,
    clients: readonly FederatedClient[],
    options: FedAvgOptions,
  ) {
    const { clippingFlagWeight = 0, layers, clippingNorm, resume } = options;
    requireDistinct(clients);
    this.#environment = environment;
    this.#clients = clients;
    this.#options = options;
    this.#terms = fedAvgTerms(clients.length, options);
    checkTerms(this.#terms);
    this.#rates = ratesOf(options);
    this.#averaging = averagingOf(options);
    this.#optimiser = options.optimiser ?? plainSteps();
    this.#journal = options.journal ?? new MemoryRoundJournal();
    this.#distributed = checkedDistributed(options, model);
    this.#encoder =
      layers === undefined
        ? new UpdateEncoder({ dimension: model.parameterCount, clippingNorm, clippingFlagWeight })
        : new LayeredEncoder({ layers, clippingFlagWeight });
    if (this.#encoder.dimension !== model.parameterCount) {
      throw new RangeError(
        `"layers" expected to cover ${model.parameterCount} parameters, got ${this.#encoder.dimension}`,
      );
    }
    this.#noise = this.#correlatedNoise();
    this.#fingerprint = runFingerprint({
      environment,
      clients,
      options,
      terms: this.#terms,
      parameterCount: model.parameterCount,
      learningRates: this.#rates,
      averaging: this.#averaging,
      optimiser: this.#optimiser,
    });
    if (resume === undefined) {
      this.parameters = Float64Array.from(initialParameters);
      this.#optimiserState = initialState(this.#optimiser, model.parameterCount);
      this.#average = { weight: 0, sum: new Float64Array(model.parameterCount) };
    } else {
      this.#checkState(resume, model);
      this.parameters = resume.parameters.slice();
      this.#optimiserState = copyOptimiser(resume.optimiser);
      this.#average = { weight: resume.average.weight, sum: resume.average.sum.slice() };
      this.#released.push(...resume.released);
      this.#lost.push(...resume.lost);
      this.#noiseStddev = resume.noiseStddev;
      if (resume.secrets !== null) this.#noise?.restore(resume.secrets);
    }
    this.#trainer = new LocalTrainer(model, options);
  }

  /** Rounds behind us, released or lost. */
  get round(): number {
    return this.#released.length + this.#lost.length;
  }

  roundId(round: number): string {
    return `${this.#options.runId}/${round}`;
  }

  /** Runs the next round and, when it is released, moves the parameters. */
  async next(): Promise<RoundOutcome | LostRound> {
    const round = this.round + 1;
    const { noiseMultiplier, robust, normaliser } = this.#options;
    const asked = askedInRound(
      this.#terms.participation,
      this.#clients,
      round,
      this.#environment.random,
    );
    this.#trainer.startFrom(Float32Array.from(this.parameters));
    const shared = this.#sharedCharge(round);
    const outcome = await this.#attempt({
      roundId: this.roundId(round),
      clients: asked.clients,
      compute: (data) => this.#trainer.update(this.#trainer.load(data), null),
      encoder: this.#distributed ?? this.#encoder,
      noiseMultiplier,
      ...(asked.sampling === null ? {} : { sampling: asked.sampling }),
      ...(robust === undefined ? {} : { robust }),
      ...(shared === null ? {} : { shared }),
    });
    if (outcome.kind !== 'released') return outcome;
    const { value, error } = outcome.release;
    const unit = this.#encoder.clippingNorm / this.#encoder.integerNorm;
    this.#noiseStddev = this.#noise === null ? error.noiseStddev : this.#noise.freshStddev * unit;
    const step = {
      update: value.map((sum) => sum / normaliser),
      learningRate: this.#rates[round - 1] as number,
      noiseStddev: error.noiseStddev / normaliser,
    };
    this.#optimiser.step(this.parameters, step, this.#optimiserState);
    this.#released.push(round);
    addIterate(this.#averaging, this.#average, this.parameters, round, this.#options.rounds);
    return outcome;
  }

  /** A public sample is drawn anew: that its round was charged before shows in a conflict, not in a repeat. */
  async #attempt(request: RoundRequest): Promise<RoundOutcome | LostRound> {
    try {
      return await attemptPrivateRound(this.#environment, request);
    } catch (error) {
      const isLost =
        this.#terms.participation.kind === 'fixed-size' &&
        error instanceof VelaturaError &&
        error.code === 'dp/idempotency-conflict';
      if (isLost) return { kind: 'lost' };
      throw error;
    }
  }

  /** The next round was charged and lost: it is over, and nothing of it is in the model. */
  skip(): void {
    this.#lost.push(this.round + 1);
    this.#noise?.skip();
  }

  state(): FedAvgState {
    return {
      fingerprint: this.#fingerprint,
      round: this.round,
      released: [...this.#released],
      lost: [...this.#lost],
      noiseStddev: this.#noiseStddev,
      parameters: this.parameters.slice(),
      optimiser: copyOptimiser(this.#optimiserState),
      average: { weight: this.#average.weight, sum: this.#average.sum.slice() },
      secrets: this.#noise?.secrets() ?? null,
    };
  }

  result(refusal: Refusal | null): FedAvgResult {
    const { weight, sum } = this.#average;
    const response = noiseResponse({
      optimiser: this.#optimiser,
      averaging: this.#averaging,
      rounds: this.#options.rounds,
      released: this.#released,
      learningRates: this.#rates,
      coefficients: this.#noise?.strategy.coefficients ?? [1],
    });
    return {
      parameters: Float32Array.from(
        weight === 0 ? this.parameters : sum.map((value) => value / weight),
      ),
      completedRounds: this.#released.length,
      lostRounds: [...this.#lost],
      refusal,
      plan: runPlan(this.#environment.relation, this.#terms),
      insecure: isInsecure(this.#environment.random),
      parameterNoiseStddev:
        response === null ? null : (response * this.#noiseStddev) / this.#options.normaliser,
    };
  }

  /** Gives the memory of the local training back. */
  free(): void {
    this.#trainer.free();
  }

  #correlatedNoise(): CorrelatedNoise | null {
    const { correlation, noiseMultiplier } = this.#terms;
    if (correlation === null || noiseMultiplier === 0) return null;
    return new CorrelatedNoise({
      strategy: correlation,
      noiseMultiplier: correlatedMultiplier(noiseMultiplier, correlation),
      dimension: this.#encoder.encodedDimension,
      sensitivity: this.#encoder.sensitivity(this.#environment.relation),
    });
  }

  #sharedCharge(round: number): SharedCharge | null {
    const { participation } = this.#terms;
    if (this.#noise === null || participation.kind !== 'cyclic') return null;
    const group = groupOfRound(participation.groups, round);
    return {
      plan: correlatedPlan(this.#environment.relation, this.#terms, group),
      idempotencyKey: `${this.#options.runId}/group-${group}`,
      noise: this.#noise,
      journal: this.#journal,
    };
  }

  #checkState(state: FedAvgState, model: Trainable): void {
    if (state.fingerprint !== this.#fingerprint) {
      throw mismatch('it belongs to a run of other options, clients, noise or charge');
    }
    const arrays = [state.parameters, state.average.sum, ...state.optimiser.slots];
    const rounds = [...state.released, ...state.lost].sort((a, b) => a - b);
    const isWhole =
      arrays.every((array) => array.length === model.parameterCount) &&
      state.optimiser.slots.length === this.#optimiser.slots &&
      rounds.length === state.round &&
      rounds.every((round, i) => round === i + 1) &&
      state.round <= this.#options.rounds &&
      (state.secrets === null) === (this.#noise === null);
    if (!isWhole) throw mismatch('its parts do not fit together');
  }
}

/** Correlated noise is priced for accounts that are in one group, whatever the sum would refuse later. */
function requireDistinct(clients: readonly FederatedClient[]): void {
  if (new Set(clients.map(({ account }) => account)).size === clients.length) return;
  throw new VelaturaError(
    'federated/duplicate-contribution',
    'an account is among the clients twice',
  );
}

/** Noise of the clients is made for one shape, one norm and one vector. */
function checkedDistributed(
  { distributedNoise, clippingNorm, clippingFlagWeight = 0, layers }: FedAvgOptions,
  { parameterCount }: Trainable,
): DistributedNoise | null {
  if (distributedNoise === undefined) return null;
  const isMadeForThis =
    distributedNoise.dimension === parameterCount &&
    distributedNoise.clippingNorm === clippingNorm &&
    distributedNoise.clippingFlagWeight === clippingFlagWeight &&
    layers === undefined;
  if (isMadeForThis) return distributedNoise;
  throw new RangeError(
    `"distributedNoise" expected noise for ${parameterCount} parameters without layers, clipping norm ${clippingNorm} and flag weight ${clippingFlagWeight}`,
  );
}

function ratesOf({ serverLearningRate, rounds }: FedAvgOptions): readonly number[] {
  if (typeof serverLearningRate === 'number') {
    return Array.from({ length: rounds }, () => serverLearningRate);
  }
  if (serverLearningRate.length !== rounds) {
    throw new RangeError(
      `"serverLearningRate" expected ${rounds} numbers, got ${serverLearningRate.length}`,
    );
  }
  return [...serverLearningRate];
}

function averagingOf({ averaging, averagedShare = 0 }: FedAvgOptions): WeightAveraging {
  const chosen = averaging ?? { kind: 'tail', share: averagedShare };
  checkAveraging(chosen);
  return chosen;
}

function copyOptimiser({ rounds, slots }: OptimiserState): OptimiserState {
  return { rounds, slots: slots.map((slot) => slot.slice()) };
}
