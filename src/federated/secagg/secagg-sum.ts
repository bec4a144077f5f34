import { VelaturaError } from '../../core/errors.ts';
import type { TrustModel } from '../../dp/statement.ts';
import { MemoryRoundJournal } from '../rounds/round-journal.ts';
import type { SecureSum, SumParameters, SumResult, SumSession } from '../rounds/secure-sum.ts';
import { checkContribution, checkSumParameters } from '../rounds/sum-checks.ts';
import { SecAggClient, type SecAggDemands } from './client.ts';
import { mostColluders } from './collusion.ts';
import { type Bytes, KEY_LENGTH, type SecAggCrypto } from './crypto.ts';
import { keyName } from './frames.ts';
import { type GraphShape, planGraph } from './graph-plan.ts';
import type { SecAggRound } from './round.ts';
import { type Outbox, SecAggServer } from './server.ts';
import type { Unmasker } from './unmasking.ts';

/** The step before which a member falls silent for good. */
export type SecAggFault = 'advertise' | 'share' | 'input' | 'confirm' | 'unmask';

const STEPS: readonly SecAggFault[] = ['advertise', 'share', 'input', 'confirm', 'unmask'];

/** Members whose frames are worked on at once. */
const AT_ONCE = 8;

/** How the sums of a simulation are run. */
export interface SecAggSumOptions {
  readonly crypto: SecAggCrypto;
  /** Share of the cohort that may work together with the server, in [0, 1). */
  readonly corruptShare: number;
  /** More than the sum may be revealed with a chance of at most 2^−securityBits; 40 is usual. */
  readonly securityBits: number;
  /** Whether the server may lie: one step more, in which members sign the list of survivors. */
  readonly consistency: boolean;
  /** Neighbours and threshold, instead of the fewest that do; members still refuse what is too weak. */
  readonly graph?: GraphShape;
  /** Takes the masks off, such as `UnmaskingThreads` of `velatura/node`. Default: this thread. */
  readonly unmask?: Unmasker;
  /** Accounts that fall silent, to try what happens then. */
  readonly faults?: ReadonlyMap<string, SecAggFault>;
}

/**
 * SecAgg+ with the server and all clients in this process: for simulation and tests. What they say to each
 * other is what they would say over a network.
 *
 * ## Privacy
 * That of the protocol, for roles that are kept apart; here one process holds all of them.
 */
export class SecAggSum implements SecureSum {
  readonly name = 'secagg-plus';
  readonly trust: TrustModel;
  readonly disclosure: number;
  readonly #options: SecAggSumOptions;

  constructor(options: SecAggSumOptions) {
    const { corruptShare, consistency, securityBits } = options;
    if (!(corruptShare >= 0 && corruptShare < 1)) {
      throw new RangeError(`"corruptShare" expected a number in [0, 1), got ${corruptShare}`);
    }
    this.#options = options;
    this.disclosure = 2 ** -securityBits;
    const server = consistency
      ? 'any server, if members know the identity keys of the others from a directory it does not run'
      : 'a server that keeps to the protocol';
    this.trust = {
      server: `${server}, together with at most ${corruptShare} of the members, learns the sum and who took part, except with a chance of 2^-${securityBits}`,
      otherClients:
        'see the model after each round, and no masked vector: noise protects against them',
      modelReaders: 'see the released models: the noise protects against them',
    };
  }

  async open(parameters: SumParameters): Promise<SumSession> {
    checkSumParameters(parameters);
    const session = new SecAggSession(parameters, this.#options);
    await session.begin();
    return session;
  }
}

class SecAggSession implements SumSession {
  readonly parameters: SumParameters;
  readonly #options: SecAggSumOptions;
  readonly #places: ReadonlyMap<string, number>;
  readonly #clients = new Map<number, SecAggClient>();
  readonly #contributed = new Set<string>();
  /** Members that are masking, and what went wrong there. */
  readonly #atWork = new Set<Promise<unknown>>();
  readonly #failures: unknown[] = [];
  #server: SecAggServer | null = null;
  #deliveries: Outbox = new Map();
  #open = true;

  constructor(parameters: SumParameters, options: SecAggSumOptions) {
    this.parameters = parameters;
    this.#options = options;
    this.#places = new Map(parameters.cohort.map((account, place) => [account, place]));
  }

  /** Keys and shares: all that comes before the vectors. */
  async begin(): Promise<void> {
    const { crypto } = this.#options;
    const fresh = (): Promise<Awaited<ReturnType<SecAggCrypto['signingKey']>>> =>
      crypto.signingKey(crypto.randomBytes(KEY_LENGTH));
    const serverKey = await fresh();
    const identities = [];
    for (const _ of this.parameters.cohort) identities.push(await fresh());
    const round = this.#round(identities.map(({ publicKey }) => publicKey));
    const server = await SecAggServer.open(round, crypto, serverKey);
    this.#server = server;
    const { minimumSurvivors, noise, dimension, modulusBits, contributionBound } = round;
    const demands: SecAggDemands = {
      ...{ ...this.#options, minimumSurvivors, noise },
      ...{ dimension, modulusBits, contributionBound },
    };
    const directory = new Set(identities.map(({ publicKey }) => keyName(publicKey)));
    await eachOf(identities.entries(), async ([place, identity]) => {
      const options = {
        crypto,
        identity,
        server: serverKey.publicKey,
        demands,
        journal: new MemoryRoundJournal(),
        isMember: (key: Bytes) => directory.has(keyName(key)),
      };
      this.#clients.set(place, await SecAggClient.join(server.announcement, options));
    });
    await this.#answer('advertise', this.#clients.keys(), (client) => client.advertise());
    const keys = await server.advance();
    await this.#answer('share', keys.keys(), (client, place) =>
      client.share(keys.get(place) as Bytes),
    );
    this.#deliveries = await server.advance();
  }

  async contribute(account: string, vector: Float64Array): Promise<void> {
    if (!this.#open) throw closed();
    const place = this.#places.get(account);
    if (place === undefined) {
      throw new VelaturaError('federated/invalid-contribution', 'the account is not in the cohort');
    }
    if (this.#contributed.has(account)) {
      throw new VelaturaError('federated/duplicate-contribution', 'the account has contributed');
    }
    checkContribution(vector, this.parameters);
    this.#contributed.add(account);
    const delivery = this.#deliveries.get(place);
    if (delivery === undefined) return;
    // The caller may go on with its array while it is masked.
    const own = vector.slice();
    const work = this.#answer('input', [place], (client) => client.mask(delivery, own))
      .catch((error: unknown) => this.#failures.push(error))
      .finally(() => this.#atWork.delete(work));
    this.#atWork.add(work);
    if (this.#atWork.size >= AT_ONCE) await Promise.race(this.#atWork);
  }

  async close(): Promise<SumResult> {
    if (!this.#open) throw closed();
    this.#open = false;
    await Promise.all(this.#atWork);
    if (this.#failures.length > 0) throw this.#failures[0];
    const server = this.#server as SecAggServer;
    let frames = await server.advance();
    if (this.#options.consistency) {
      await this.#answer('confirm', frames.keys(), (client, place) =>
        client.confirm(frames.get(place) as Bytes),
      );
      frames = await server.advance();
    }
    await this.#answer('unmask', frames.keys(), (client, place) =>
      client.unmask(frames.get(place) as Bytes),
    );
    return server.finish(this.#options.unmask);
  }

  #round(cohort: readonly Bytes[]): SecAggRound {
    const { crypto, corruptShare, securityBits, consistency, graph } = this.#options;
    const { roundId, dimension, modulusBits, contributionBound, minimumSurvivors } =
      this.parameters;
    const { noise = 'none' } = this.parameters;
    const honest = Math.max(1, minimumSurvivors);
    const colluders = mostColluders(corruptShare, cohort.length, noise !== 'none');
    const drops = cohort.length - honest - colluders;
    if (drops < 0) {
      throw new VelaturaError(
        'federated/cohort-too-small',
        `the cohort has ${cohort.length} accounts, the minimum is ${honest} and ${colluders} that may collude`,
        { cohort: cohort.length, minimum: honest + colluders },
      );
    }
    const assumptions = { members: cohort.length, colluders, drops, dishonestServer: consistency };
    const { neighbours, threshold } = graph ?? planGraph(assumptions, securityBits);
    const graphSeed = crypto.randomBytes(KEY_LENGTH);
    return {
      ...{ roundId, dimension, modulusBits, contributionBound, cohort, neighbours, threshold },
      ...{ minimumSurvivors: honest, colluders, consistency, noise, graphSeed },
    };
  }

  /** Lets every member that has not fallen silent answer; one that leaves is one that dropped. */
  async #answer(
    step: SecAggFault,
    places: Iterable<number>,
    answer: (client: SecAggClient, place: number) => Promise<Bytes>,
  ): Promise<void> {
    await eachOf([...places], async (place) => {
      const fault = this.#options.faults?.get(this.parameters.cohort[place] as string);
      if (fault !== undefined && STEPS.indexOf(fault) <= STEPS.indexOf(step)) return;
      try {
        const frame = await answer(this.#clients.get(place) as SecAggClient, place);
        await (this.#server as SecAggServer).receive(frame);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code !== 'federated/cohort-too-small') throw error;
      }
    });
  }
}

/** Some members at a time, so that signatures are checked while others compute. */
async function eachOf<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      await work(next.value);
    }
  });
  // All of them end before any error goes on: nothing is left at work.
  for (const lane of await Promise.allSettled(lanes)) {
    if (lane.status === 'rejected') throw lane.reason;
  }
}

function closed(): VelaturaError {
  return new VelaturaError('federated/round-closed', 'the sum is closed');
}
