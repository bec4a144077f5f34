import { VelaturaError } from '../../core/errors.ts';
import type { RoundJournal } from '../rounds/round-journal.ts';
import { checkContribution } from '../rounds/sum-checks.ts';
import { mostColluders } from './collusion.ts';
import {
  type AgreementKey,
  type Bytes,
  KEY_LENGTH,
  type SecAggCrypto,
  type SigningKey,
} from './crypto.ts';
import {
  asArray,
  asBytes,
  asInteger,
  type Envelope,
  FRAME,
  FrameCodec,
  keyName,
  malformed,
  readMembers,
  readParts,
  verifyParts,
} from './frames.ts';
import { drawGraph } from './graph.ts';
import { graphBounds } from './graph-plan.ts';
import { Lanes, streamLength } from './lanes.ts';
import {
  encodeRound,
  graphAssumptions,
  quorum,
  readRound,
  roundDigest,
  type SecAggRound,
} from './round.ts';
import { RoundSecrets } from './secrets.ts';
import { randomElement, splitSecret } from './shamir.ts';

/** Longest announcement read: the keys of 100,000 members. */
const LONGEST_ANNOUNCEMENT = 2 ** 22;

/** What a client asks of a round before it sends anything; the server cannot talk it into less. */
export interface SecAggDemands {
  /** Share of the cohort that may work together with the server, in [0, 1). */
  readonly corruptShare: number;
  /** More than the sum may be revealed with a chance of at most 2^−securityBits. */
  readonly securityBits: number;
  /** Honest survivors for whom the client's noise is priced. */
  readonly minimumSurvivors: number;
  /** Whether the server may lie: then the round must have its consistency step, and `isMember` is needed. */
  readonly consistency: boolean;
  /** The noise that this client adds, in the words of the round; `none` where it adds none. */
  readonly noise: string;
  /**
   * The shape of the vector that this client will send, exactly. In a narrower round some vectors could not be sent, and
   * silence would tell that this was one of them. With noise the bound is null: noise has none.
   */
  readonly dimension: number;
  readonly modulusBits: number;
  readonly contributionBound: number | null;
}

/** What a client needs to join. */
export interface SecAggClientOptions {
  readonly crypto: SecAggCrypto;
  /** The member's identity, in the directory of the cohort. */
  readonly identity: SigningKey;
  /** Public key of the server. */
  readonly server: Bytes;
  readonly demands: SecAggDemands;
  /** Remembers rounds, so that none is joined a second time with new noise. */
  readonly journal: RoundJournal;
  /**
   * The directory of identity keys, which the server does not run: whether this key is of a member. Every key of a
   * cohort is asked for. Needed where `demands.consistency`: a server that makes up neighbours sees through the masks.
   */
  readonly isMember?: (publicKey: Bytes) => boolean | Promise<boolean>;
}

type Step = 'advertise' | 'share' | 'mask' | 'confirm' | 'unmask' | 'done';

interface Neighbour {
  readonly maskKey: Bytes;
  readonly channelKey: Bytes;
}

interface SurvivorList {
  readonly survivors: ReadonlySet<number>;
  readonly digest: Bytes;
}

/** What a client makes for one round and never again. */
interface Ephemeral {
  readonly maskSecret: Bytes;
  readonly mask: AgreementKey;
  readonly channel: AgreementKey;
  readonly seed: Bytes;
}

/**
 * One member in one round of SecAgg+ (Bell et al., CCS 2020): a state machine that takes the server's frames and
 * gives the answers. Each step happens once; a frame that is refused changes nothing, except
 * `federated/secagg-unsafe`, after which the client has left.
 *
 * ## Privacy
 * What it sends reveals to the server, together with up to `colluders` members, no more than the sum over at
 * least `minimumSurvivors` honest members: against a server that keeps to the protocol without, against any
 * server with the consistency step. Proof and assumptions: `secagg.proof.md`.
 */
export class SecAggClient {
  readonly round: SecAggRound;
  /** Place in the cohort. */
  readonly position: number;
  readonly #crypto: SecAggCrypto;
  readonly #identity: SigningKey;
  readonly #codec: FrameCodec;
  readonly #secrets: RoundSecrets;
  readonly #graph: ReadonlySet<number>;
  readonly #own: Ephemeral;
  #step: Step = 'advertise';
  /** Neighbours whose keys came; those before masking, and of them those that sent shares. */
  #neighbours: ReadonlyMap<number, Neighbour> = new Map();
  #masked: ReadonlyMap<number, Bytes> = new Map();
  #ownShare: Bytes = new Uint8Array(0);
  /** Keys that open what the neighbours sealed. */
  readonly #openers = new Map<number, Bytes>();
  /** The list that was signed, and its digest. */
  #survivors: ReadonlySet<number> = new Set();
  #list: Bytes = new Uint8Array(0);

  private constructor(
    round: SecAggRound,
    digest: Bytes,
    position: number,
    graph: readonly number[],
    own: Ephemeral,
    options: SecAggClientOptions,
  ) {
    this.round = round;
    this.position = position;
    this.#crypto = options.crypto;
    this.#identity = options.identity;
    this.#codec = new FrameCodec(options.crypto, round, digest, options.server);
    this.#secrets = new RoundSecrets(options.crypto, digest);
    this.#graph = new Set(graph);
    this.#own = own;
  }

  /**
   * Reads an announcement and holds it against the client's demands.
   *
   * @throws {VelaturaError} `federated/secagg-malformed`, `federated/secagg-forged`,
   * `federated/secagg-too-weak`, `federated/secagg-out-of-step` for a round that was joined before
   * @throws {TypeError} for a demand of consistency without a directory
   */
  static async join(announcement: Uint8Array, options: SecAggClientOptions): Promise<SecAggClient> {
    const { crypto, identity, server, demands, journal } = options;
    requireDirectory(demands, options.isMember);
    const parts = readParts(announcement, FRAME.announcement, LONGEST_ANNOUNCEMENT);
    await verifyParts(crypto, server, FRAME.announcement, parts);
    const round = readRound(parts.envelope.body);
    const digest = roundDigest(encodeRound(round), crypto.sha256);
    if (keyName(digest) !== keyName(parts.digest))
      throw malformed('an announcement of another round');
    const own = keyName(identity.publicKey);
    const position = round.cohort.findIndex((key) => keyName(key) === own);
    if (position < 0) throw malformed('an announcement of a cohort without this member');
    checkDemands(round, demands);
    await checkCohort(round, options.isMember);
    const graph = drawGraph(round.graphSeed, round.cohort.length, round.neighbours, crypto.sha256);
    if (!(await journal.begin(`secagg/${round.roundId}`))) throw outOfStep('a round joined before');
    const random = (length: number): Bytes => crypto.randomBytes(length);
    const maskSecret = randomElement(random);
    const ephemeral = {
      maskSecret,
      mask: await crypto.agreementKey(maskSecret),
      channel: await crypto.agreementKey(crypto.randomBytes(KEY_LENGTH)),
      seed: randomElement(random),
    };
    return new SecAggClient(
      round,
      digest,
      position,
      graph.neighboursOf(position),
      ephemeral,
      options,
    );
  }

  /** The first frame: this round's keys, signed. */
  async advertise(): Promise<Bytes> {
    this.#enter('advertise', 'share');
    const { mask, channel, seed } = this.#own;
    const commitment = this.#secrets.commitment(seed, this.position);
    return this.#write(FRAME.advertisement, [mask.publicKey, channel.publicKey, commitment]);
  }

  /**
   * Takes the keys of the neighbours, gives each its shares of the two secrets.
   *
   * @throws {VelaturaError} `federated/secagg-malformed`, `federated/secagg-forged`,
   * `federated/cohort-too-small` when too few neighbours are there
   */
  async share(frame: Uint8Array): Promise<Bytes> {
    this.#expect('share');
    const neighbours = await this.#readNeighbours(frame);
    if (neighbours.size + 1 < this.round.threshold) {
      throw new VelaturaError(
        'federated/cohort-too-small',
        'too few neighbours for the threshold',
        {
          neighbours: neighbours.size,
          threshold: this.round.threshold,
        },
      );
    }
    this.#enter('share', 'mask');
    this.#neighbours = neighbours;
    const random = (length: number): Bytes => this.#crypto.randomBytes(length);
    const holders = [...neighbours.keys()];
    const indices = [...holders, this.position].map((member) => member + 1);
    const { threshold } = this.round;
    const ofKey = splitSecret(this.#own.maskSecret, indices, threshold, random);
    const ofSeed = splitSecret(this.#own.seed, indices, threshold, random);
    this.#ownShare = ofSeed.at(-1)?.value as Bytes;
    const body: [number, Bytes][] = [];
    for (const [i, member] of holders.entries()) {
      const plain = new Uint8Array(2 * KEY_LENGTH);
      plain.set(ofKey[i]?.value as Bytes);
      plain.set(ofSeed[i]?.value as Bytes, KEY_LENGTH);
      body.push([member, await this.#crypto.seal(await this.#sealingKey(member), plain)]);
    }
    return this.#write(FRAME.shares, body);
  }

  /**
   * Takes the shares of the neighbours, still sealed, and gives the masked vector. One that cannot be opened
   * later is its sender's own loss: it must not stop this member.
   *
   * @param vector - `[dimension]`, integers of at most `contributionBound` in size
   * @throws {VelaturaError} `federated/invalid-contribution`, `federated/secagg-malformed`,
   * `federated/secagg-forged`, `federated/cohort-too-small`
   */
  async mask(frame: Uint8Array, vector: Float64Array): Promise<Bytes> {
    this.#expect('mask');
    checkContribution(vector, this.round);
    const { body } = await this.#read(frame, FRAME.delivery);
    const sealed = new Map<number, Bytes>();
    for (const entry of asArray(body)) {
      const [sender, bytes] = asArray(entry, 2);
      const member = asInteger(sender);
      if (!this.#neighbours.has(member) || sealed.has(member)) {
        throw malformed('shares of no neighbour, or twice of one');
      }
      sealed.set(member, asBytes(bytes));
    }
    if (sealed.size + 1 < this.round.threshold) {
      throw new VelaturaError('federated/cohort-too-small', 'too few neighbours sent shares', {
        neighbours: sealed.size,
        threshold: this.round.threshold,
      });
    }
    this.#enter('mask', this.round.consistency ? 'confirm' : 'unmask');
    this.#masked = sealed;
    const { dimension, modulusBits } = this.round;
    const length = streamLength(dimension, modulusBits);
    const lanes = new Lanes(dimension, modulusBits);
    lanes.addIntegers(vector);
    lanes.addStream(await this.#secrets.selfMask(this.#own.seed, this.position, length), 1);
    for (const member of sealed.keys()) {
      const { maskKey } = this.#neighbours.get(member) as Neighbour;
      const pair = [this.position, member] as const;
      const mask = await this.#secrets.pairMask(this.#own.mask, maskKey, pair, length);
      lanes.addStream(mask, this.position < member ? 1 : -1);
    }
    return this.#write(FRAME.input, lanes.pack());
  }

  /**
   * Takes the list of survivors and signs it: this member will finish this sum and no other.
   *
   * @throws {VelaturaError} `federated/secagg-malformed`, `federated/secagg-forged`,
   * `federated/secagg-unsafe`
   */
  async confirm(frame: Uint8Array): Promise<Bytes> {
    this.#expect('confirm');
    const { survivors, digest } = await this.#readSurvivors(frame);
    this.#enter('confirm', 'unmask');
    this.#survivors = survivors;
    this.#list = digest;
    return this.#write(FRAME.confirmation, digest);
  }

  /**
   * Gives the shares that finish the sum: of a survivor that of its seed, of a neighbour that dropped that of
   * its key, never both. Without the consistency step `frame` is the list of survivors, with it the signatures
   * of the others on the list.
   *
   * @throws {VelaturaError} `federated/secagg-malformed`, `federated/secagg-forged`,
   * `federated/secagg-unsafe`
   */
  async unmask(frame: Uint8Array): Promise<Bytes> {
    this.#expect('unmask');
    const survivors = this.round.consistency
      ? await this.#readConfirmations(frame)
      : (await this.#readSurvivors(frame)).survivors;
    this.#enter('unmask', 'done');
    const body: [number, Bytes][] = [[this.position, this.#ownShare]];
    for (const [member, sealed] of this.#masked) {
      const plain = await this.#crypto.open(this.#openers.get(member) as Bytes, sealed);
      if (plain === null || plain.length !== 2 * KEY_LENGTH) continue;
      const at = survivors.has(member) ? KEY_LENGTH : 0;
      body.push([member, plain.slice(at, at + KEY_LENGTH)]);
    }
    return this.#write(FRAME.unmasking, body);
  }

  async #readNeighbours(frame: Uint8Array): Promise<ReadonlyMap<number, Neighbour>> {
    const { body } = await this.#read(frame, FRAME.neighbours);
    const neighbours = new Map<number, Neighbour>();
    const keys = new Set([this.#own.mask.publicKey, this.#own.channel.publicKey].map(keyName));
    for (const { sender, body: fields } of await this.#readRelayed(body, FRAME.advertisement)) {
      if (!this.#graph.has(sender) || neighbours.has(sender)) {
        throw malformed('keys of no neighbour, or twice of one');
      }
      const [mask, channel] = asArray(fields, 3);
      const neighbour = {
        maskKey: asBytes(mask, KEY_LENGTH),
        channelKey: asBytes(channel, KEY_LENGTH),
      };
      keys.add(keyName(neighbour.maskKey)).add(keyName(neighbour.channelKey));
      neighbours.set(sender, neighbour);
    }
    if (keys.size !== 2 * (neighbours.size + 1)) {
      throw new VelaturaError('federated/secagg-forged', 'a key is used twice in one round');
    }
    return neighbours;
  }

  async #readSurvivors(frame: Uint8Array): Promise<SurvivorList> {
    const { body } = await this.#read(frame, FRAME.survivors);
    const survivors = readMembers(body, this.round.cohort.length);
    const { colluders, minimumSurvivors } = this.round;
    if (survivors.size - colluders < minimumSurvivors) {
      throw this.#leave('fewer survivors than the noise is priced for');
    }
    if (!survivors.has(this.position)) throw this.#leave('a list without this member');
    for (const member of this.#graph) {
      if (survivors.has(member) && !this.#masked.has(member)) {
        throw this.#leave('a surviving neighbour that this member was not told of');
      }
    }
    return { survivors, digest: new Uint8Array(this.#crypto.sha256(asBytes(body))) };
  }

  async #readConfirmations(frame: Uint8Array): Promise<ReadonlySet<number>> {
    const { body } = await this.#read(frame, FRAME.confirmations);
    const signers = new Set<number>();
    for (const { sender, body: list } of await this.#readRelayed(body, FRAME.confirmation)) {
      if (keyName(asBytes(list)) !== keyName(this.#list)) {
        throw this.#leave('another list of survivors, signed by a member');
      }
      signers.add(sender);
    }
    if (signers.size < quorum(this.round)) throw this.#leave('too few signatures on the list');
    return this.#survivors;
  }

  /** Frames of other members that the server passes on. All are looked at at once: that is where the time goes. */
  #readRelayed(
    body: unknown,
    type: Parameters<FrameCodec['write']>[1],
  ): Promise<readonly Envelope[]> {
    const recipient = this.round.cohort.length;
    return Promise.all(
      asArray(body).map((entry) =>
        this.#codec.read(asBytes(entry), { type, sender: null, recipient }),
      ),
    );
  }

  /** The key that seals what goes to a neighbour; the one for the way back is kept. */
  async #sealingKey(member: number): Promise<Bytes> {
    const { channelKey } = this.#neighbours.get(member) as Neighbour;
    const agreed = await this.#own.channel.agree(channelKey);
    this.#openers.set(member, await this.#secrets.channelKey(agreed, member, this.position));
    return this.#secrets.channelKey(agreed, this.position, member);
  }

  #write(type: Parameters<FrameCodec['write']>[1], body: unknown): Promise<Bytes> {
    const envelope = { sender: this.position, recipient: this.round.cohort.length, body };
    return this.#codec.write(this.#identity, type, envelope);
  }

  #read(
    frame: Uint8Array,
    type: Parameters<FrameCodec['write']>[1],
  ): ReturnType<FrameCodec['read']> {
    const sender = this.round.cohort.length;
    return this.#codec.read(frame, { type, sender, recipient: this.position });
  }

  #expect(step: Step): void {
    if (this.#step !== step) throw outOfStep(`"${step}" while at "${this.#step}"`);
  }

  /** Moves on; what came in between, such as the same frame twice, is refused. */
  #enter(step: Step, next: Step): void {
    this.#expect(step);
    this.#step = next;
  }

  #leave(reason: string): VelaturaError {
    this.#step = 'done';
    return new VelaturaError('federated/secagg-unsafe', `refused ${reason}`);
  }
}

function checkDemands(round: SecAggRound, demands: SecAggDemands): void {
  if (round.noise !== demands.noise) throw tooWeak('noise');
  if (demands.consistency && !round.consistency) throw tooWeak('consistency');
  if (round.minimumSurvivors < demands.minimumSurvivors) throw tooWeak('minimumSurvivors');
  const isNoisy = demands.noise !== 'none';
  if (round.dimension !== demands.dimension) throw tooWeak('dimension');
  if (round.modulusBits !== demands.modulusBits) throw tooWeak('modulusBits');
  if (round.contributionBound !== demands.contributionBound) throw tooWeak('contributionBound');
  if (isNoisy && round.contributionBound !== null) throw tooWeak('contributionBound');
  const colluders = mostColluders(demands.corruptShare, round.cohort.length, isNoisy);
  if (round.colluders < colluders) throw tooWeak('colluders');
  const { exposure, partition } = graphBounds(graphAssumptions(round), round);
  if (exposure + partition > 2 ** -demands.securityBits) throw tooWeak('neighbours');
}

type Directory = SecAggClientOptions['isMember'];

/**
 * Refuses to go without a directory where the server may lie.
 *
 * @throws {TypeError} when there is none
 */
export function requireDirectory(
  { consistency }: Pick<SecAggDemands, 'consistency'>,
  isMember: Directory,
): void {
  if (consistency && typeof isMember !== 'function') {
    throw new TypeError(`"isMember" expected a function under consistency, got ${typeof isMember}`);
  }
}

async function checkCohort({ cohort }: SecAggRound, isMember: Directory): Promise<void> {
  if (isMember === undefined) return;
  const known = await Promise.all(cohort.map((key) => isMember(key)));
  if (known.every((answer) => answer === true)) return;
  throw tooWeak('cohort');
}

function tooWeak(name: string): VelaturaError {
  return new VelaturaError(
    'federated/secagg-too-weak',
    `"${name}" of the round is not what was demanded`,
    { name },
  );
}

function outOfStep(what: string): VelaturaError {
  return new VelaturaError('federated/secagg-out-of-step', `refused ${what}`);
}
