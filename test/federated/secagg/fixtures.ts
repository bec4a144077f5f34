import { decodeCanonical } from '../../../src/core/cbor.ts';
import { decodeFrame } from '../../../src/core/framing.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { MemoryRoundJournal } from '../../../src/federated/rounds/round-journal.ts';
import { SecAggClient, type SecAggDemands } from '../../../src/federated/secagg/client.ts';
import type { Bytes, SecAggCrypto, SigningKey } from '../../../src/federated/secagg/crypto.ts';
import {
  FRAME,
  type FrameType,
  keyName,
  writeFrame,
} from '../../../src/federated/secagg/frames.ts';
import { encodeRound, roundDigest, type SecAggRound } from '../../../src/federated/secagg/round.ts';
import { type Outbox, SecAggServer } from '../../../src/federated/secagg/server.ts';
import { NodeSecAggCrypto } from '../../../src/node/secagg-crypto.ts';

/** Node's crypto with repeatable randomness: a test that fails once fails again. */
export class SeededCrypto extends NodeSecAggCrypto {
  readonly #random: SeededRandom;

  constructor(seed: string) {
    super();
    this.#random = new SeededRandom(seed);
  }

  override randomBytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.#random.uint32() & 255);
  }
}

export const MEMBERS = 6;

/** A round of six, everybody everybody's neighbour, threshold and minimum 4. */
export class Scene {
  readonly crypto: SecAggCrypto;
  readonly serverKey: SigningKey;
  readonly identities: readonly SigningKey[];
  readonly round: SecAggRound;
  readonly digest: Bytes;
  readonly server: SecAggServer;
  readonly demands: SecAggDemands;
  /** Names of the identity keys that members know each other by. */
  readonly directory: Set<string>;
  clients: SecAggClient[] = [];

  private constructor(
    crypto: SecAggCrypto,
    serverKey: SigningKey,
    identities: readonly SigningKey[],
    round: SecAggRound,
    server: SecAggServer,
    demands: SecAggDemands | undefined,
  ) {
    this.crypto = crypto;
    this.serverKey = serverKey;
    this.identities = identities;
    this.round = round;
    this.server = server;
    this.directory = new Set(identities.map(({ publicKey }) => keyName(publicKey)));
    this.digest = roundDigest(encodeRound(round), crypto.sha256);
    const { consistency, noise, minimumSurvivors, dimension, modulusBits } = round;
    this.demands = demands ?? {
      ...{ corruptShare: 0, securityBits: 40, consistency, noise, minimumSurvivors },
      ...{ dimension, modulusBits, contributionBound: round.contributionBound },
    };
  }

  static async open(
    seed: string,
    overrides: Partial<SecAggRound> = {},
    demands?: SecAggDemands,
  ): Promise<Scene> {
    const crypto = new SeededCrypto(seed);
    const fresh = (): Promise<SigningKey> => crypto.signingKey(crypto.randomBytes(32));
    const serverKey = await fresh();
    const identities: SigningKey[] = [];
    for (let i = 0; i < MEMBERS; i++) identities.push(await fresh());
    const round: SecAggRound = {
      roundId: seed,
      dimension: 8,
      modulusBits: 16,
      contributionBound: 100,
      cohort: identities.map(({ publicKey }) => publicKey),
      neighbours: MEMBERS - 1,
      threshold: 4,
      minimumSurvivors: 4,
      colluders: 0,
      consistency: false,
      noise: 'none',
      graphSeed: crypto.randomBytes(32),
      ...overrides,
    };
    const server = await SecAggServer.open(round, crypto, serverKey);
    const scene = new Scene(crypto, serverKey, identities, round, server, demands);
    for (const place of identities.keys()) scene.clients.push(await scene.join(place));
    return scene;
  }

  join(place: number, journal = new MemoryRoundJournal()): Promise<SecAggClient> {
    return SecAggClient.join(this.server.announcement, {
      crypto: this.crypto,
      identity: this.identities[place] as SigningKey,
      server: this.serverKey.publicKey,
      demands: this.demands,
      journal,
      isMember: (key) => this.directory.has(keyName(key)),
    });
  }

  client(place: number): SecAggClient {
    return this.clients[place] as SecAggClient;
  }

  /** Up to the keys of the neighbours. */
  async toShare(): Promise<Outbox> {
    for (const client of this.clients) await this.server.receive(await client.advertise());
    return this.server.advance();
  }

  /** Up to the sealed shares. */
  async toMask(): Promise<Outbox> {
    const keys = await this.toShare();
    for (const [place, frame] of keys) {
      await this.server.receive(await this.client(place).share(frame));
    }
    return this.server.advance();
  }

  /** Up to the list of survivors: those of `present` send i + 1 in every coordinate. */
  async toSurvivors(present: readonly number[] = [0, 1, 2, 3, 4, 5]): Promise<Outbox> {
    const shares = await this.toMask();
    for (const place of present) {
      const frame = shares.get(place) as Bytes;
      await this.server.receive(await this.client(place).mask(frame, vectorOf(place)));
    }
    return this.server.advance();
  }

  /** A frame as the server would sign it, whatever it says. */
  fromServer(type: FrameType, recipient: number, body: unknown): Promise<Bytes> {
    const sender = MEMBERS;
    return writeFrame(this.serverKey, this.digest, type, { sender, recipient, body });
  }

  /** A frame as a member would sign it, or somebody in its name. */
  fromMember(type: FrameType, sender: number, body: unknown, key = sender): Promise<Bytes> {
    const identity = this.identities[key] as SigningKey;
    return writeFrame(identity, this.digest, type, { sender, recipient: MEMBERS, body });
  }
}

export function vectorOf(place: number): Float64Array {
  return new Float64Array(8).fill(place + 1);
}

/** What a frame says, without looking at its signature. */
export function bodyOf(frame: Bytes): unknown {
  const type = frame[1] as number;
  const [signed] = decodeCanonical(decodeFrame(frame, type, frame.length)) as [Bytes];
  return (decodeCanonical(signed) as unknown[])[3];
}

export { FRAME };
