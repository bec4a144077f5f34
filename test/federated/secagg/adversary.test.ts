import { describe, expect, it } from 'vitest';
import { MemoryRoundJournal } from '../../../src/federated/rounds/round-journal.ts';
import { SecAggClient } from '../../../src/federated/secagg/client.ts';
import { mostColluders } from '../../../src/federated/secagg/collusion.ts';
import type { Bytes, SigningKey } from '../../../src/federated/secagg/crypto.ts';
import { keyName, writeFrame, writeMembers } from '../../../src/federated/secagg/frames.ts';
import { readRound } from '../../../src/federated/secagg/round.ts';
import { bodyOf, FRAME, MEMBERS, Scene, vectorOf } from './fixtures.ts';
import { fuzzRound } from './fuzz.ts';

const refused = (code: string): { code: string } => ({ code: `federated/secagg-${code}` });
const ALL = [0, 1, 2, 3, 4, 5];
const list = (...members: number[]): Bytes => writeMembers(new Set(members), MEMBERS);

type Entry = [number, Bytes];

describe('a server that lies about the survivors', () => {
  it('gets nothing for a list shorter than the noise is priced for', async () => {
    const scene = await Scene.open('few');
    await scene.toSurvivors();
    const client = scene.client(0);
    const few = await scene.fromServer(FRAME.survivors, 0, list(0, 1, 2));
    await expect(client.unmask(few)).rejects.toMatchObject(refused('unsafe'));
    // It has left: not even the true list makes it speak.
    const whole = await scene.fromServer(FRAME.survivors, 0, list(...ALL));
    await expect(client.unmask(whole)).rejects.toMatchObject(refused('out-of-step'));
  });

  it('gets nothing for a list of which declared colluders make up the minimum', async () => {
    const scene = await Scene.open('colluders', { colluders: 1, minimumSurvivors: 4 });
    await scene.toSurvivors();
    const frame = await scene.fromServer(FRAME.survivors, 0, list(0, 1, 2, 3));
    await expect(scene.client(0).unmask(frame)).rejects.toMatchObject(refused('unsafe'));
    const enough = await scene.fromServer(FRAME.survivors, 1, list(0, 1, 2, 3, 4));
    expect(bodyOf(await scene.client(1).unmask(enough))).toHaveLength(MEMBERS);
  });

  it('never gets both shares of a member: one list, then silence', async () => {
    const scene = await Scene.open('both');
    const lists = await scene.toSurvivors();
    const first = bodyOf(await scene.client(0).unmask(lists.get(0) as Bytes)) as Entry[];
    expect(new Set(first.map(([member]) => member)).size).toBe(first.length);
    const other = await scene.fromServer(FRAME.survivors, 0, list(0, 2, 3, 4, 5));
    await expect(scene.client(0).unmask(other)).rejects.toMatchObject(refused('out-of-step'));
    // Two at once: one is answered.
    const client = scene.client(1);
    const answers = await Promise.allSettled([
      client.unmask(await scene.fromServer(FRAME.survivors, 1, list(1, 2, 3, 4))),
      client.unmask(await scene.fromServer(FRAME.survivors, 1, list(0, 1, 4, 5))),
    ]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('gets nothing from one it leaves out, or hid a survivor from', async () => {
    const scene = await Scene.open('hidden');
    const shares = await scene.toMask();
    const hidden = (bodyOf(shares.get(0) as Bytes) as Entry[]).filter(([from]) => from !== 3);
    const frame = await scene.fromServer(FRAME.delivery, 0, hidden);
    await scene.client(0).mask(frame, vectorOf(0));
    const whole = await scene.fromServer(FRAME.survivors, 0, list(...ALL));
    await expect(scene.client(0).unmask(whole)).rejects.toMatchObject(refused('unsafe'));
    await scene.client(1).mask(shares.get(1) as Bytes, vectorOf(1));
    const without = await scene.fromServer(FRAME.survivors, 1, list(0, 2, 3, 4, 5));
    await expect(scene.client(1).unmask(without)).rejects.toMatchObject(refused('unsafe'));
  });

  it('cannot show two lists where members sign theirs', async () => {
    const scene = await Scene.open('two lists', { consistency: true });
    await scene.toSurvivors();
    const [one, two] = [list(0, 1, 2, 3, 4), list(1, 2, 3, 4, 5)];
    const signed: Bytes[] = [];
    for (const place of ALL) {
      const body = place < 3 ? one : two;
      signed.push(
        await scene.client(place).confirm(await scene.fromServer(FRAME.survivors, place, body)),
      );
    }
    // Three and three: no list has the four signatures it needs.
    const relay = (place: number, frames: readonly (Bytes | undefined)[]): Promise<Bytes> =>
      scene.fromServer(FRAME.confirmations, place, frames);
    const mixed = await relay(0, signed);
    await expect(scene.client(0).unmask(mixed)).rejects.toMatchObject(refused('unsafe'));
    const three = await relay(1, [signed[0], signed[1], signed[2]]);
    await expect(scene.client(1).unmask(three)).rejects.toMatchObject(refused('unsafe'));
    const padded = await relay(2, [signed[0], signed[1], signed[2], signed[0], signed[1]]);
    await expect(scene.client(2).unmask(padded)).rejects.toMatchObject(refused('unsafe'));
    const again = scene.client(3).confirm(await scene.fromServer(FRAME.survivors, 3, one));
    await expect(again).rejects.toMatchObject(refused('out-of-step'));
  });

  it('cannot forge the signatures of members', async () => {
    const scene = await Scene.open('forged list', { consistency: true });
    const lists = await scene.toSurvivors();
    const signed = await scene.client(0).confirm(lists.get(0) as Bytes);
    const digest = bodyOf(signed);
    const forged = [signed];
    for (const place of [1, 2, 3]) {
      forged.push(await scene.fromMember(FRAME.confirmation, place, digest, 0));
    }
    const frame = await scene.fromServer(FRAME.confirmations, 0, forged);
    await expect(scene.client(0).unmask(frame)).rejects.toMatchObject(refused('forged'));
  });
});

describe('a server that meddles with keys', () => {
  it('cannot put its own in the place of a member’s', async () => {
    const scene = await Scene.open('middle');
    const keys = await scene.toShare();
    const frames = bodyOf(keys.get(0) as Bytes) as Bytes[];
    const own = [scene.crypto.randomBytes(32), scene.crypto.randomBytes(32), new Uint8Array(32)];
    const envelope = { sender: 1, recipient: MEMBERS, body: own };
    frames[0] = await writeFrame(scene.serverKey, scene.digest, FRAME.advertisement, envelope);
    const swapped = await scene.fromServer(FRAME.neighbours, 0, frames);
    await expect(scene.client(0).share(swapped)).rejects.toMatchObject(refused('forged'));
    // What was refused changed nothing.
    await scene.client(0).share(keys.get(0) as Bytes);
  });

  it('cannot give one member what it signed for another', async () => {
    const scene = await Scene.open('misdirected');
    // The same list for all: only the name on it tells.
    const lists = await scene.toSurvivors();
    await expect(scene.client(0).unmask(lists.get(1) as Bytes)).rejects.toMatchObject(
      refused('malformed'),
    );
  });

  it('cannot reflect, repeat, lend or strip them', async () => {
    const scene = await Scene.open('keys');
    const adverts: Bytes[] = [];
    for (const client of scene.clients) adverts.push(await client.advertise());
    const give = async (frames: readonly (Bytes | undefined)[]): Promise<Bytes> =>
      scene.client(0).share(await scene.fromServer(FRAME.neighbours, 0, frames));
    const [own, ...others] = adverts;
    await expect(give([own, ...others])).rejects.toMatchObject(refused('malformed'));
    await expect(give([...others, others[0]])).rejects.toMatchObject(refused('malformed'));
    await expect(give(others.slice(0, 2))).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
    });
    const borrowed = bodyOf(others[1] as Bytes);
    const copy = await scene.fromMember(FRAME.advertisement, 1, borrowed);
    await expect(give([copy, ...others.slice(1)])).rejects.toMatchObject(refused('forged'));
    const mirrored = await scene.fromMember(FRAME.advertisement, 1, bodyOf(own as Bytes));
    await expect(give([mirrored, ...others.slice(1)])).rejects.toMatchObject(refused('forged'));
  });

  it('cannot name other neighbours than the seed does', async () => {
    const scene = await Scene.open('neighbours', {
      neighbours: 2,
      threshold: 2,
      minimumSurvivors: 5,
    });
    const adverts: Bytes[] = [];
    for (const client of scene.clients) adverts.push(await client.advertise());
    for (const frame of adverts) await scene.server.receive(frame);
    const keys = await scene.server.advance();
    const true0 = bodyOf(keys.get(0) as Bytes) as Bytes[];
    expect(true0).toHaveLength(2);
    const foreign = adverts.filter(
      (frame, place) => place !== 0 && !true0.some((known) => String(known) === String(frame)),
    );
    const frame = await scene.fromServer(FRAME.neighbours, 0, [true0[0], foreign[0]]);
    await expect(scene.client(0).share(frame)).rejects.toMatchObject(refused('malformed'));
  });
});

describe('a server that replays or swaps', () => {
  it('cannot pass a frame of an earlier round off as one of this', async () => {
    const [earlier, scene] = [await Scene.open('earlier'), await Scene.open('later')];
    const client = scene.client(0);
    const [oldKeys, keys] = [await earlier.toShare(), await scene.toShare()];
    await expect(client.share(oldKeys.get(0) as Bytes)).rejects.toMatchObject(refused('malformed'));
    // Nor its keys, wrapped anew: members signed them for the other round.
    const wrapped = await scene.fromServer(FRAME.neighbours, 0, bodyOf(oldKeys.get(0) as Bytes));
    await expect(client.share(wrapped)).rejects.toMatchObject(refused('malformed'));
    await client.share(keys.get(0) as Bytes);
    await expect(client.share(keys.get(0) as Bytes)).rejects.toMatchObject(refused('out-of-step'));
  });

  it('gets no false sum by giving one member the shares of another', async () => {
    const scene = await Scene.open('swapped');
    const shares = await scene.toMask();
    const entries = (place: number): Entry[] => bodyOf(shares.get(place) as Bytes) as Entry[];
    // What 2 sealed for 0 goes to 1, and the other way round: neither can open it.
    const swapped = (to: number, from: number): Entry[] =>
      entries(to).map((entry) =>
        entry[0] === 2 ? (entries(from).find(([sender]) => sender === 2) as Entry) : entry,
      );
    for (const place of ALL) {
      const frame =
        place < 2
          ? await scene.fromServer(FRAME.delivery, place, swapped(place, 1 - place))
          : (shares.get(place) as Bytes);
      await scene.server.receive(await scene.client(place).mask(frame, vectorOf(place)));
    }
    for (const [place, frame] of await scene.server.advance()) {
      const answer = await scene.client(place).unmask(frame);
      const named = (bodyOf(answer) as Entry[]).map(([member]) => member);
      expect(named.includes(2)).toBe(place >= 2);
      await scene.server.receive(answer);
    }
    expect([...(await scene.server.finish()).sum]).toEqual(new Array(8).fill(21));
  });

  it('cannot give shares of no neighbour, or twice those of one', async () => {
    const scene = await Scene.open('delivery');
    const shares = await scene.toMask();
    const entries = bodyOf(shares.get(0) as Bytes) as Entry[];
    for (const body of [
      [...entries, entries[0]],
      entries.map(([sender, sealed]) => [sender === 1 ? 0 : sender, sealed]),
      entries.map(([, sealed]) => [99, sealed]),
    ]) {
      const frame = await scene.fromServer(FRAME.delivery, 0, body);
      await expect(scene.client(0).mask(frame, vectorOf(0))).rejects.toMatchObject(
        refused('malformed'),
      );
    }
  });
});

describe('an announcement', () => {
  it('is joined once, by members, if the server signed it', async () => {
    const scene = await Scene.open('join');
    const journal = new MemoryRoundJournal();
    await scene.join(0, journal);
    await expect(scene.join(0, journal)).rejects.toMatchObject(refused('out-of-step'));
    const { crypto, demands, server } = scene;
    const stranger = await crypto.signingKey(crypto.randomBytes(32));
    const options = { crypto, demands, journal: new MemoryRoundJournal() };
    await expect(
      SecAggClient.join(server.announcement, {
        ...options,
        identity: stranger,
        server: scene.serverKey.publicKey,
      }),
    ).rejects.toMatchObject(refused('malformed'));
    await expect(
      SecAggClient.join(server.announcement, {
        ...options,
        identity: scene.identities[0] as (typeof scene.identities)[0],
        server: stranger.publicKey,
      }),
    ).rejects.toMatchObject(refused('forged'));
  });

  it.each([
    ['noise', { noise: 'skellam' }],
    ['dimension', { dimension: 7 }],
    ['modulusBits', { modulusBits: 24 }],
    ['contributionBound', { contributionBound: 101 }],
    ['contributionBound', { contributionBound: null }],
    ['minimumSurvivors', { minimumSurvivors: 5 }],
    ['colluders', { corruptShare: 0.2 }],
    ['consistency', { consistency: true }],
  ])('is refused where "%s" is weaker than demanded', async (name, demand) => {
    const scene = await Scene.open('weak');
    Object.assign(scene.demands, demand);
    await expect(scene.join(0)).rejects.toMatchObject({
      ...refused('too-weak'),
      details: { name },
    });
  });

  it('with honest words and too little room for noisy vectors is refused: silence would tell', async () => {
    const honest = { noise: 'skellam', contributionBound: null, colluders: 1, threshold: 5 };
    await (await Scene.open('room', honest)).toMask();
    for (const [name, lie] of [
      ['contributionBound', { contributionBound: 100 }],
      ['modulusBits', { modulusBits: 8 }],
      ['dimension', { dimension: 4 }],
    ] as const) {
      const { demands } = await Scene.open('room', honest);
      const lying = await Scene.open('room', { ...honest, ...lie }, demands).catch(
        (error) => error,
      );
      expect(lying).toMatchObject({ ...refused('too-weak'), details: { name } });
    }
    const bound = { ...honest, contributionBound: 100 };
    const { demands } = await Scene.open('room', honest);
    await expect(
      Scene.open('room', bound, { ...demands, contributionBound: 100 }),
    ).rejects.toMatchObject({ ...refused('too-weak'), details: { name: 'contributionBound' } });
  });

  it('counts at least one who knows its own part of the noise', async () => {
    const noisy = { noise: 'skellam', contributionBound: null, threshold: 5 };
    await expect(Scene.open('own', noisy)).rejects.toMatchObject({
      ...refused('too-weak'),
      details: { name: 'colluders' },
    });
  });

  it('counts as many colluders as the share says, whatever its rounding', () => {
    for (let percent = 0; percent < 100; percent++) {
      expect(mostColluders(percent / 100, 100, false)).toBe(percent);
      expect(mostColluders(percent / 100, 100_000, true)).toBe(Math.max(1, 1000 * percent));
    }
    expect(mostColluders(0.099, 10, false)).toBe(0);
  });

  it('is refused where the directory does not know all of the cohort, or there is none', async () => {
    const scene = await Scene.open('directory', { consistency: true });
    const { crypto, demands, serverKey, identities } = scene;
    const options = { crypto, demands, identity: identities[0] as SigningKey };
    const join = SecAggClient.join(scene.server.announcement, {
      ...{ ...options, server: serverKey.publicKey, journal: new MemoryRoundJournal() },
    });
    await expect(join).rejects.toThrow(
      new TypeError('"isMember" expected a function under consistency, got undefined'),
    );
    scene.directory.delete(keyName((identities[3] as SigningKey).publicKey));
    await expect(scene.join(0)).rejects.toMatchObject({
      ...refused('too-weak'),
      details: { name: 'cohort' },
    });
  });

  it('cannot make a member work for more than 2,000 neighbours', async () => {
    const { round } = await Scene.open('work', { contributionBound: null });
    const cohort = Array.from({ length: 2004 }, (_, i) => {
      const key = new Uint8Array(32);
      new DataView(key.buffer).setUint32(0, i);
      return key;
    });
    expect(readRound({ ...round, cohort, neighbours: 2000 }).neighbours).toBe(2000);
    for (const neighbours of [2002, 2003]) {
      expect(() => readRound({ ...round, cohort, neighbours })).toThrow('"neighbours"');
    }
  });

  it('is refused for a graph that falls apart, or a threshold that colluders reach', async () => {
    await expect(
      Scene.open('ring', { neighbours: 2, threshold: 2, minimumSurvivors: 4 }),
    ).rejects.toMatchObject(refused('too-weak'));
    await expect(
      Scene.open('low', { threshold: 1, colluders: 1, minimumSurvivors: 4 }),
    ).rejects.toMatchObject(refused('too-weak'));
  });

  it.each([
    { dimension: 0 },
    { dimension: 1.5 },
    { modulusBits: 53 },
    { modulusBits: 1 },
    { contributionBound: 2 ** 15 },
    { neighbours: 3 },
    { neighbours: 0 },
    { neighbours: 6 },
    { threshold: 0 },
    { threshold: 7 },
    { minimumSurvivors: 0 },
    { minimumSurvivors: 7 },
    { colluders: -1 },
    { colluders: 3 },
    { graphSeed: new Uint8Array(31) },
    { cohort: [] },
    { cohort: [new Uint8Array(32), new Uint8Array(32)] },
    { roundId: 'x'.repeat(1001) },
    { contributionBound: 0 },
    { contributionBound: '1' as unknown as number },
  ])('with parameters out of range is not opened (%o)', async (overrides) => {
    await expect(Scene.open('range', overrides)).rejects.toMatchObject(refused('malformed'));
  });
});

describe('the server', () => {
  it('takes frames of members only, in their own name, once, in time, of this round', async () => {
    const scene = await Scene.open('frames');
    const other = await Scene.open('another round');
    const { server } = scene;
    const frame = await scene.client(0).advertise();
    const keys = bodyOf(await scene.client(1).advertise());
    for (const [code, refusedFrame] of [
      ['malformed', await other.client(0).advertise()],
      ['forged', await scene.fromMember(FRAME.advertisement, 1, keys, 2)],
      ['malformed', await scene.fromMember(FRAME.advertisement, MEMBERS, keys, 2)],
      ['malformed', await scene.fromMember(FRAME.advertisement, 99, keys, 2)],
      ['malformed', await scene.fromMember(FRAME.advertisement, 1, [keys], 1)],
      ['malformed', await scene.fromMember(FRAME.advertisement, 1, null, 1)],
      ['malformed', frame.slice(0, -1)],
      ['malformed', new Uint8Array([...frame, 0])],
      ['malformed', new Uint8Array(0)],
      ['out-of-step', await scene.fromMember(FRAME.input, 1, new Uint8Array(16))],
    ] as const) {
      await expect(server.receive(refusedFrame)).rejects.toMatchObject(refused(code));
    }
    expect(await server.receive(frame)).toBe(0);
    await expect(server.receive(frame)).rejects.toMatchObject(refused('out-of-step'));
    const twice = await scene.client(2).advertise();
    const both = await Promise.allSettled([server.receive(twice), server.receive(twice)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    // Keys of another, signed by oneself; and keys with which everybody knows the secret.
    const copied = await scene.fromMember(FRAME.advertisement, 3, bodyOf(frame));
    await expect(server.receive(copied)).rejects.toMatchObject(refused('forged'));
    const [, channel, commitment] = keys as Bytes[];
    const small = await scene.fromMember(FRAME.advertisement, 3, [
      new Uint8Array(32),
      channel,
      commitment,
    ]);
    await expect(server.receive(small)).rejects.toMatchObject(refused('forged'));
  });

  it('refuses vectors and shares that are not whole, and goes on to the exact sum', async () => {
    const scene = await Scene.open('whole', {
      dimension: 8,
      modulusBits: 15,
      contributionBound: 9,
    });
    const { server } = scene;
    const keys = await scene.toShare();
    const shares = await scene.client(0).share(keys.get(0) as Bytes);
    const entries = bodyOf(shares) as Entry[];
    for (const body of [
      entries.slice(1),
      [...entries, entries[0]],
      [[0, entries[0]?.[1]], ...entries.slice(1)],
      entries.map(([member, sealed]) => [member, sealed.slice(1)]),
      7,
    ]) {
      const frame = await scene.fromMember(FRAME.shares, 0, body);
      await expect(server.receive(frame)).rejects.toMatchObject(refused('malformed'));
    }
    await server.receive(shares);
    for (const place of ALL.slice(1)) {
      await server.receive(await scene.client(place).share(keys.get(place) as Bytes));
    }
    const sealed = await server.advance();
    for (const body of [new Uint8Array(14), new Uint8Array(16), 'text']) {
      const frame = await scene.fromMember(FRAME.input, 0, body);
      await expect(server.receive(frame)).rejects.toMatchObject(refused('malformed'));
    }
    for (const vector of [new Float64Array(7), new Float64Array(8).fill(10)]) {
      await expect(scene.client(0).mask(sealed.get(0) as Bytes, vector)).rejects.toMatchObject({
        code: 'federated/invalid-contribution',
      });
    }
    for (const place of ALL) {
      const frame = sealed.get(place) as Bytes;
      await server.receive(await scene.client(place).mask(frame, vectorOf(place)));
    }
    const lists = await server.advance();
    for (const place of ALL) {
      await server.receive(await scene.client(place).unmask(lists.get(place) as Bytes));
    }
    const late = await scene.fromMember(FRAME.unmasking, 0, []);
    await expect(server.receive(late)).rejects.toMatchObject(refused('out-of-step'));
    expect([...(await server.finish()).sum]).toEqual(new Array(8).fill(21));
    await expect(server.receive(late)).rejects.toMatchObject(refused('out-of-step'));
    await expect(server.finish()).rejects.toMatchObject(refused('out-of-step'));
    await expect(server.advance()).rejects.toMatchObject(refused('out-of-step'));
  });

  it('takes residues where they carry noise, and none that is not one', async () => {
    const scene = await Scene.open('residues', { contributionBound: null, modulusBits: 8 });
    const shares = await scene.toMask();
    const client = scene.client(0);
    const frame = shares.get(0) as Bytes;
    for (const value of [128, -129, 0.5, Number.NaN, Number.NEGATIVE_INFINITY]) {
      const vector = new Float64Array(8).fill(value);
      await expect(client.mask(frame, vector)).rejects.toMatchObject({
        code: 'federated/invalid-contribution',
      });
    }
    const ends = [-128, 127, -128, 127, -128, 0];
    for (const place of ALL) {
      const vector = new Float64Array(8).fill(ends[place] as number);
      await scene.server.receive(
        await scene.client(place).mask(shares.get(place) as Bytes, vector),
      );
    }
    for (const [place, list] of await scene.server.advance()) {
      await scene.server.receive(await scene.client(place).unmask(list));
    }
    // −130 wraps to 126.
    expect([...(await scene.server.finish()).sum]).toEqual(new Array(8).fill(126));
  });

  it('refuses bits beyond the end of a vector', async () => {
    const scene = await Scene.open('spare', {
      dimension: 3,
      modulusBits: 15,
      contributionBound: 9,
    });
    await scene.toMask();
    const spare = new Uint8Array(6);
    spare[5] = 0x20; // bit 45 of 45
    const frame = await scene.fromMember(FRAME.input, 0, spare);
    await expect(scene.server.receive(frame)).rejects.toMatchObject(refused('malformed'));
  });
});

describe('a false share', () => {
  /** Finishes a round in which these members lie about every share they hold. */
  async function finish(liars: readonly number[], present: readonly number[]): Promise<number[]> {
    const scene = await Scene.open(`liars ${liars}`);
    const lists = await scene.toSurvivors(present);
    for (const [place, frame] of lists) {
      const answer = await scene.client(place).unmask(frame);
      const spoilt = (bodyOf(answer) as Entry[]).map(([member, value]) => [
        member,
        liars.includes(place) ? value.map((byte) => byte ^ 1) : value,
      ]);
      await scene.server.receive(await scene.fromMember(FRAME.unmasking, place, spoilt));
    }
    return [...(await scene.server.finish()).sum];
  }

  it('of one member does no harm where there are more than enough', async () => {
    for (const liar of [0, 2, 5]) expect(await finish([liar], ALL)).toEqual(new Array(8).fill(21));
    expect(await finish([1], [0, 1, 2, 3, 4])).toEqual(new Array(8).fill(15));
  });

  it('ends the round where it cannot be told apart, and never gives a false sum', async () => {
    await expect(finish([1], [0, 1, 2, 3])).rejects.toMatchObject(refused('bad-share'));
    await expect(finish([0, 2, 4], ALL)).rejects.toMatchObject(refused('bad-share'));
  });

  it('sealed by its owner so that nobody can open it does not stop the others', async () => {
    const scene = await Scene.open('sealed');
    const keys = await scene.toShare();
    for (const [place, frame] of keys) {
      const answer = await scene.client(place).share(frame);
      const body = (bodyOf(answer) as Entry[]).map(([member, sealed]) => [
        member,
        // Member 3 seals rubbish for two of its five neighbours.
        place === 3 && member < 2 ? sealed.map((byte) => byte ^ 1) : sealed,
      ]);
      await scene.server.receive(await scene.fromMember(FRAME.shares, place, body));
    }
    const sealed = await scene.server.advance();
    for (const [place, frame] of sealed) {
      await scene.server.receive(await scene.client(place).mask(frame, vectorOf(place)));
    }
    for (const [place, frame] of await scene.server.advance()) {
      await scene.server.receive(await scene.client(place).unmask(frame));
    }
    expect([...(await scene.server.finish()).sum]).toEqual(new Array(8).fill(21));
  });
});

describe('fuzzed frames', () => {
  it('get a coded refusal each, and the round goes on to the exact sum', async () => {
    const { sum, refusals } = await fuzzRound('fuzz', 12);
    expect(sum).toEqual(new Array(8).fill(21));
    expect(refusals).toBeGreaterThan(600);
  });
});
