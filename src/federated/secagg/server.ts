import { sameBytes } from '../../core/bytes.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { SumResult } from '../rounds/secure-sum.ts';
import {
  type AgreementKey,
  type Bytes,
  KEY_LENGTH,
  SEAL_OVERHEAD,
  type SecAggCrypto,
  type SigningKey,
} from './crypto.ts';
import {
  asArray,
  asBytes,
  asInteger,
  FRAME,
  FrameCodec,
  type FrameType,
  keyName,
  malformed,
  writeFrame,
  writeMembers,
} from './frames.ts';
import { drawGraph } from './graph.ts';
import { Lanes, packedLength } from './lanes.ts';
import { encodeRound, quorum, readRound, roundDigest, type SecAggRound } from './round.ts';
import type { Share } from './shamir.ts';
import { type Unmasker, type UnmaskingTask, unmaskerOf } from './unmasking.ts';

/** What the server waits for. */
type Phase = 'advertisement' | 'shares' | 'input' | 'confirmation' | 'unmasking' | 'closed';

interface Advertisement {
  readonly frame: Bytes;
  readonly maskKey: Bytes;
  readonly commitment: Bytes;
}

const TYPES: ReadonlySet<number | undefined> = new Set(Object.values(FRAME));

/** Frames to send, by the member they are for. */
export type Outbox = ReadonlyMap<number, Bytes>;

/**
 * The server's side of one round of SecAgg+: takes frames in any order of members, and when its owner decides
 * that a step is over, gives the frames of the next. It has no clock and sends nothing itself. A frame that is
 * refused changes nothing for the others.
 */
export class SecAggServer {
  readonly round: SecAggRound;
  /** The first frame, the same for all members. */
  readonly announcement: Bytes;
  readonly #crypto: SecAggCrypto;
  readonly #key: SigningKey;
  readonly #codec: FrameCodec;
  readonly #digest: Bytes;
  /** By member. */
  readonly #graph: readonly (readonly number[])[];
  readonly #advertised = new Map<number, Advertisement>();
  readonly #seen = new Set<string>();
  /** By recipient, then sender. */
  readonly #sealed = new Map<number, Map<number, Bytes>>();
  readonly #shared = new Set<number>();
  readonly #delivered = new Map<number, ReadonlySet<number>>();
  readonly #sum: Lanes;
  readonly #survivors = new Set<number>();
  readonly #confirmed = new Map<number, Bytes>();
  readonly #unmasked = new Set<number>();
  /** By the member whose secret it is. */
  readonly #shares = new Map<number, Share[]>();
  /** Members being read, so that two copies of one frame at once count as one. */
  readonly #reading = new Set<number>();
  #list: Bytes = new Uint8Array(0);
  /** Tries the keys of members. */
  #probe: Promise<AgreementKey> | null = null;
  #phase: Phase = 'advertisement';

  private constructor(
    round: SecAggRound,
    digest: Bytes,
    announcement: Bytes,
    crypto: SecAggCrypto,
    key: SigningKey,
  ) {
    this.round = round;
    this.announcement = announcement;
    this.#crypto = crypto;
    this.#key = key;
    this.#codec = new FrameCodec(crypto, round, digest, key.publicKey);
    this.#digest = digest;
    const members = round.cohort.length;
    const graph = drawGraph(round.graphSeed, members, round.neighbours, crypto.sha256);
    this.#graph = Array.from({ length: members }, (_, member) => graph.neighboursOf(member));
    this.#sum = new Lanes(round.dimension, round.modulusBits);
  }

  /**
   * @param key - signs what the server sends
   * @throws {VelaturaError} `federated/secagg-malformed` for parameters out of range
   */
  static async open(
    round: SecAggRound,
    crypto: SecAggCrypto,
    key: SigningKey,
  ): Promise<SecAggServer> {
    readRound(round);
    const digest = roundDigest(encodeRound(round), crypto.sha256);
    const server = round.cohort.length;
    const envelope = { sender: server, recipient: server, body: { ...round } };
    const announcement = await writeFrame(key, digest, FRAME.announcement, envelope);
    return new SecAggServer(round, digest, announcement, crypto, key);
  }

  /** Members whose vectors are in the sum. */
  get survivors(): number {
    return this.#survivors.size;
  }

  /**
   * Takes one frame of a member.
   *
   * @returns who sent it
   * @throws {VelaturaError} `federated/secagg-malformed`, `federated/secagg-forged`,
   * `federated/secagg-out-of-step`; the round goes on
   */
  async receive(frame: Uint8Array): Promise<number> {
    const phase = this.#phase;
    if (phase === 'closed') throw outOfStep('a frame after the end');
    if (frame[1] !== FRAME[phase] && TYPES.has(frame[1]))
      throw outOfStep('a frame of another step');
    const { sender, body } = await this.#codec.read(frame, {
      type: FRAME[phase],
      sender: null,
      recipient: this.round.cohort.length,
    });
    if (this.#phase !== phase) throw outOfStep('a frame that came too late');
    if (this.#reading.has(sender) || this.#has(phase, sender)) throw outOfStep('a second frame');
    this.#reading.add(sender);
    try {
      await this.#take(phase, sender, body, frame);
    } finally {
      this.#reading.delete(sender);
    }
    return sender;
  }

  /**
   * Ends the present step.
   *
   * @returns the frames of the next step
   * @throws {VelaturaError} `federated/cohort-too-small` when too few are left: the round is over and nothing
   * was revealed; `federated/secagg-out-of-step` where `finish` is due
   */
  async advance(): Promise<Outbox> {
    switch (this.#phase) {
      case 'advertisement':
        return this.#toShares();
      case 'shares':
        return this.#toInput();
      case 'input':
        return this.#toSurvivors();
      case 'confirmation':
        return this.#toUnmasking();
      default:
        throw outOfStep(`a step beyond "${this.#phase}"`);
    }
  }

  /**
   * Ends the last step: takes the masks off.
   *
   * @param unmask - computes the masks, such as that of `UnmaskingThreads`; default: this thread
   * @throws {VelaturaError} `federated/cohort-too-small` when too few finished, `federated/secagg-bad-share`
   * when shares do not fit: no sum at all rather than a false one
   */
  async finish(unmask: Unmasker = unmaskerOf(this.#crypto)): Promise<SumResult> {
    if (this.#phase !== 'unmasking') throw outOfStep(`the end while at "${this.#phase}"`);
    this.#phase = 'closed';
    const { dimension, modulusBits, threshold } = this.round;
    const terms = { digest: this.#digest, dimension, modulusBits, threshold };
    for (const masks of await unmask(terms, this.#masksLeft())) this.#sum.subtract(masks);
    return { sum: this.#sum.centred(), survivors: this.#survivors.size };
  }

  #has(phase: Exclude<Phase, 'closed'>, sender: number): boolean {
    const taken = {
      advertisement: this.#advertised,
      shares: this.#shared,
      input: this.#survivors,
      confirmation: this.#confirmed,
      unmasking: this.#unmasked,
    };
    return taken[phase].has(sender);
  }

  async #take(
    phase: Exclude<Phase, 'closed'>,
    sender: number,
    body: unknown,
    frame: Uint8Array,
  ): Promise<void> {
    switch (phase) {
      case 'advertisement':
        return this.#takeAdvertisement(sender, body, frame);
      case 'shares':
        return this.#takeShares(sender, body);
      case 'input':
        return this.#takeInput(sender, body);
      case 'confirmation':
        return this.#takeConfirmation(sender, body, frame);
      case 'unmasking':
        return this.#takeUnmasking(sender, body);
    }
  }

  async #takeAdvertisement(sender: number, body: unknown, frame: Uint8Array): Promise<void> {
    const [mask, channel, commitment] = asArray(body, 3).map((key) => asBytes(key, KEY_LENGTH));
    const maskKey = mask as Bytes;
    const names = [maskKey, channel as Bytes].map(keyName);
    if (names[0] === names[1] || names.some((name) => this.#seen.has(name))) {
      throw new VelaturaError('federated/secagg-forged', 'a key is used twice in one round');
    }
    // A key of small order would make every neighbour refuse: it is stopped here.
    this.#probe ??= this.#crypto.agreementKey(this.#crypto.randomBytes(KEY_LENGTH));
    const probe = await this.#probe;
    await Promise.all([probe.agree(maskKey), probe.agree(channel as Bytes)]);
    if (names.some((name) => this.#seen.has(name)) || this.#phase !== 'advertisement') {
      throw outOfStep('a frame that came too late');
    }
    for (const name of names) this.#seen.add(name);
    this.#advertised.set(sender, {
      frame: Uint8Array.from(frame),
      maskKey,
      commitment: commitment as Bytes,
    });
  }

  #takeShares(sender: number, body: unknown): void {
    if (!this.#advertised.has(sender)) throw outOfStep('shares of a member without keys');
    const recipients = new Map<number, Bytes>();
    for (const entry of asArray(body)) {
      const [recipient, sealed] = asArray(entry, 2);
      recipients.set(asInteger(recipient), asBytes(sealed, 2 * KEY_LENGTH + SEAL_OVERHEAD));
    }
    const expected = this.#present(sender);
    const isWhole =
      recipients.size === expected.length && expected.every((member) => recipients.has(member));
    if (!isWhole || asArray(body).length !== recipients.size) {
      throw malformed('shares for others than the neighbours');
    }
    this.#shared.add(sender);
    for (const [recipient, sealed] of recipients) {
      const box = this.#sealed.get(recipient) ?? new Map<number, Bytes>();
      box.set(sender, sealed);
      this.#sealed.set(recipient, box);
    }
  }

  #takeInput(sender: number, body: unknown): void {
    if (!this.#shared.has(sender)) throw outOfStep('a vector of a member without shares');
    const { dimension, modulusBits } = this.round;
    const packed = asBytes(body, packedLength(dimension, modulusBits));
    const spare = packed.length * 8 - dimension * modulusBits;
    if (spare > 0 && (packed.at(-1) as number) >>> (8 - spare) !== 0) {
      throw malformed('a vector with bits beyond its end');
    }
    this.#survivors.add(sender);
    this.#sum.addPacked(packed);
  }

  #takeConfirmation(sender: number, body: unknown, frame: Uint8Array): void {
    if (!this.#survivors.has(sender)) throw outOfStep('a signature of no survivor');
    const digest = this.#crypto.sha256(this.#list);
    if (!sameBytes(digest, asBytes(body, KEY_LENGTH)))
      throw malformed('a signature on another list');
    this.#confirmed.set(sender, Uint8Array.from(frame));
  }

  #takeUnmasking(sender: number, body: unknown): void {
    if (!this.#survivors.has(sender)) throw outOfStep('shares of no survivor');
    const delivered = this.#delivered.get(sender) as ReadonlySet<number>;
    const found = new Map<number, Bytes>();
    for (const entry of asArray(body)) {
      const [owner, value] = asArray(entry, 2);
      const member = asInteger(owner);
      if (found.has(member) || (member !== sender && !delivered.has(member))) {
        throw malformed('shares of no neighbour, or twice of one');
      }
      found.set(member, asBytes(value, KEY_LENGTH));
    }
    this.#unmasked.add(sender);
    for (const [member, value] of found) {
      const shares = this.#shares.get(member) ?? [];
      shares.push({ index: sender + 1, value });
      this.#shares.set(member, shares);
    }
  }

  /** Neighbours whose keys came in time. */
  #present(member: number): readonly number[] {
    return (this.#graph[member] as readonly number[]).filter((other) =>
      this.#advertised.has(other),
    );
  }

  async #toShares(): Promise<Outbox> {
    this.#atLeast(this.#advertised.size);
    this.#phase = 'shares';
    return this.#outbox(this.#advertised.keys(), FRAME.neighbours, (member) =>
      this.#present(member).map((other) => (this.#advertised.get(other) as Advertisement).frame),
    );
  }

  async #toInput(): Promise<Outbox> {
    this.#atLeast(this.#shared.size);
    this.#phase = 'input';
    return this.#outbox(this.#shared, FRAME.delivery, (member) => {
      const box = [...(this.#sealed.get(member) ?? [])].sort(([a], [b]) => a - b);
      this.#delivered.set(member, new Set(box.map(([sender]) => sender)));
      this.#sealed.delete(member);
      return box;
    });
  }

  async #toSurvivors(): Promise<Outbox> {
    this.#atLeast(this.#survivors.size);
    this.#phase = this.round.consistency ? 'confirmation' : 'unmasking';
    this.#list = writeMembers(this.#survivors, this.round.cohort.length);
    return this.#outbox(this.#survivors, FRAME.survivors, () => this.#list);
  }

  async #toUnmasking(): Promise<Outbox> {
    const needed = quorum(this.round);
    if (this.#confirmed.size < needed) throw this.#tooFew(this.#confirmed.size, needed);
    this.#phase = 'unmasking';
    const signatures = [...this.#confirmed.values()].slice(0, needed);
    return this.#outbox(this.#confirmed.keys(), FRAME.confirmations, () => signatures);
  }

  async #outbox(
    members: Iterable<number>,
    type: FrameType,
    bodyOf: (member: number) => unknown,
  ): Promise<Outbox> {
    const outbox = new Map<number, Bytes>();
    for (const recipient of [...members].sort((a, b) => a - b)) {
      const envelope = { sender: this.round.cohort.length, recipient, body: bodyOf(recipient) };
      outbox.set(recipient, await this.#codec.write(this.#key, type, envelope));
    }
    return outbox;
  }

  /** What is still in the sum: a mask of each survivor, and what survivors added for members that dropped. */
  #masksLeft(): readonly UnmaskingTask[] {
    const tasks: UnmaskingTask[] = [];
    for (const member of this.#survivors) {
      const { commitment } = this.#advertised.get(member) as Advertisement;
      tasks.push({
        member,
        shares: this.#sharesOf(member),
        masks: { kind: 'self', commitment },
      });
    }
    for (const member of this.#shared) {
      if (this.#survivors.has(member)) continue;
      const { maskKey } = this.#advertised.get(member) as Advertisement;
      const survivors = (this.#graph[member] as readonly number[])
        .filter((other) => this.#survivors.has(other))
        .map((other) => ({
          member: other,
          maskKey: (this.#advertised.get(other) as Advertisement).maskKey,
        }));
      tasks.push({
        member,
        shares: this.#sharesOf(member),
        masks: { kind: 'pairs', maskKey, survivors },
      });
    }
    return tasks;
  }

  #sharesOf(member: number): readonly Share[] {
    const shares = this.#shares.get(member) ?? [];
    const { threshold } = this.round;
    if (shares.length < threshold) throw this.#tooFew(shares.length, threshold);
    return shares;
  }

  #atLeast(members: number): void {
    const minimum = this.round.minimumSurvivors + this.round.colluders;
    if (members < minimum) throw this.#tooFew(members, minimum);
  }

  #tooFew(members: number, minimum: number): VelaturaError {
    this.#phase = 'closed';
    return new VelaturaError(
      'federated/cohort-too-small',
      `${members} members answered, the minimum is ${minimum}`,
      { survivors: members, minimum },
    );
  }
}

function outOfStep(what: string): VelaturaError {
  return new VelaturaError('federated/secagg-out-of-step', `refused ${what}`);
}
