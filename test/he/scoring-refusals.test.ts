import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createHeParameters,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
} from '../../src/he/index.ts';
import { replyBytes } from '../../src/he/reply-wire.ts';
import { codeOf, exchange, unitVectors } from './fixtures.ts';

const provider = await createNodeSealProvider();
const dimensions = 4;
const scorerOf = (seed: string, preset: 'default' | 'fast' = 'default') =>
  new EncryptedScorer(
    createCatalogue({
      parameters: HE_PRESETS[preset],
      items: unitVectors(seed, 30, dimensions),
      dimensions,
      itemNormBound: 1,
      profileNormBound: 1,
    }),
  );
const scorer = scorerOf('shop');
const clientOf = (of: EncryptedScorer, maxOpenQueries = 8) =>
  new ScoringClient({ provider, catalogue: of.description, maxOpenQueries });
const profile = unitVectors('person', 1, dimensions);
const TOP = { topK: 3 };

describe('server', () => {
  const { query } = clientOf(scorer).encryptProfile(profile);

  it('scores one query as often as asked, with equal replies', () => {
    expect(scorer.score(query)).toEqual(scorer.score(query));
  });

  it('refuses a query to another catalogue or version', () => {
    expect(codeOf(() => scorerOf('other shop').score(query))).toBe('he/wrong-catalogue');
  });

  it('refuses a query under another parameter set', () => {
    expect(codeOf(() => scorerOf('shop', 'fast').score(query))).toBe('he/malformed-message');
  });

  it('refuses a reply in place of a query', () => {
    expect(codeOf(() => scorer.score(scorer.score(query)))).toBe('he/malformed-message');
  });

  it.each<[string, Uint8Array]>([
    ['truncated', query.subarray(0, query.length - 1)],
    ['oversized', Uint8Array.of(...query, 0)],
    ['empty', new Uint8Array()],
    ['all ones', new Uint8Array(query.length).fill(255)],
    ['with a residue that is no residue', query.slice().fill(255, 72 + 64, 76 + 64)],
    ['claiming 2^31 items', query.slice().fill(0x80, 71, 72).fill(0, 68, 71)],
  ])('refuses a query that is %s, and goes on', (_, bytes) => {
    expect(codeOf(() => scorer.score(bytes))).toBe('he/malformed-message');
    expect(scorer.score(query).length).toBe(
      replyBytes(HE_PRESETS.default, 1, scorer.description.droppedBits),
    );
  });
});

describe('client', () => {
  it('refuses profiles that are not finite, too long or of another shape, and keeps no key', () => {
    const client = clientOf(scorer);
    for (const bad of [
      [Number.NaN, 0, 0, 0],
      [0, Number.POSITIVE_INFINITY, 0, 0],
      [1, 1, 1, 1],
    ]) {
      expect(codeOf(() => client.encryptProfile(Float32Array.from(bad)))).toBe(
        'he/value-out-of-range',
      );
    }
    expect(codeOf(() => client.encryptProfile(new Float32Array(5)))).toBe('RangeError');
    expect(client.openQueries).toBe(0);
  });

  it('decrypts a reply once: the key is gone afterwards', () => {
    const client = clientOf(scorer);
    const { reply, queryId } = exchange(client, scorer, profile);
    expect(client.openQueries).toBe(1);
    expect(client.decryptScores(reply, { queryId, ...TOP }).length).toBe(3);
    expect(client.openQueries).toBe(0);
    expect(codeOf(() => client.decryptScores(reply, { queryId, ...TOP }))).toBe('he/wrong-query');
    expect(codeOf(() => client.decryptReply(reply, queryId).revealRawScoresUnsafely())).toBe(
      'he/wrong-query',
    );
  });

  it('refuses a reply to another query', () => {
    const client = clientOf(scorer);
    const foreign = exchange(clientOf(scorer), scorer, profile).reply;
    const { queryId } = client.encryptProfile(profile);
    expect(codeOf(() => client.decryptScores(foreign, { queryId, ...TOP }))).toBe('he/wrong-query');
  });

  it('refuses a reply from another catalogue version', () => {
    const client = clientOf(scorer);
    const { reply, queryId } = exchange(client, scorer, profile);
    reply[40] = (reply[40] as number) ^ 1;
    expect(codeOf(() => client.decryptScores(reply, { queryId, ...TOP }))).toBe(
      'he/wrong-catalogue',
    );
  });

  it('keeps waiting after a malformed reply, so that a forger cannot end a query', () => {
    const client = clientOf(scorer);
    const { droppedBits } = scorer.description;
    const { reply: good, queryId } = exchange(client, scorer, profile);
    const change = (offset: number, end: number, value: number) =>
      good.slice().fill(value, offset, end);
    const bad = [
      good.subarray(0, good.length - 1),
      Uint8Array.of(...good, 0),
      change(8, 16, 0), // another parameter set
      change(64, 65, 2), // another number of blocks
      change(68, 72, 0x80), // 2^31 items
      change(72, 76, 255), // residue above the prime
      change(72 + (2048 * (28 - (droppedBits[0] as number))) / 8, good.length, 0), // second polynomial zero
    ];
    for (const reply of bad) {
      expect(codeOf(() => client.decryptScores(reply, { queryId, ...TOP }))).toBe(
        'he/malformed-message',
      );
    }
    expect(codeOf(() => client.decryptScores(good, { queryId, topK: 0 }))).toBe('RangeError');
    expect(client.decryptScores(good, { queryId, ...TOP }).length).toBe(3);
  });

  it('opens queries independently, in any order', () => {
    const client = clientOf(scorer);
    const asked = [1, 2, 3].map(() => exchange(client, scorer, profile));
    for (const { reply, queryId } of asked.reverse()) {
      expect(client.decryptScores(reply, { queryId, topK: 1 }).length).toBe(1);
    }
  });

  it('never repeats a query id or a ciphertext', () => {
    const client = clientOf(scorer);
    const [a, b] = [client.encryptProfile(profile), client.encryptProfile(profile)];
    expect(a.queryId).not.toBe(b.queryId);
    const equal = a.query.subarray(72).filter((byte, i) => byte === b.query[72 + i]).length;
    // Equal bytes by chance: 28,928/256 = 113, deviation 11.
    expect(equal).toBeLessThan(220);
    client.dispose();
  });

  it('erases the oldest key when too many queries wait, and all on dispose', () => {
    const client = clientOf(scorer, 2);
    const asked = [1, 2, 3].map(() => exchange(client, scorer, profile));
    const decrypt = (at: number) => {
      const { reply, queryId } = asked[at] as (typeof asked)[0];
      return client.decryptScores(reply, { queryId, ...TOP });
    };
    expect(client.openQueries).toBe(2);
    expect(codeOf(() => decrypt(0))).toBe('he/wrong-query');
    client.dispose();
    client.dispose();
    expect(client.openQueries).toBe(0);
    expect(codeOf(() => decrypt(2))).toBe('he/wrong-query');
    expect(codeOf(() => clientOf(scorer, 0))).toBe('RangeError');
  });

  it('refuses a catalogue whose parameters it does not know, unless it is given them', () => {
    const parameters = createHeParameters({
      polynomialDegree: 4096,
      dataPrimes: [268_369_921],
      plaintextModulus: 786_433,
    });
    const custom = new EncryptedScorer(
      createCatalogue({
        parameters,
        items: unitVectors('shop', 30, dimensions),
        dimensions,
        itemNormBound: 1,
        profileNormBound: 1,
      }),
    );
    const catalogue = custom.description;
    expect(codeOf(() => clientOf(custom))).toBe('he/invalid-parameters');
    const wrong = { provider, catalogue, parameters: HE_PRESETS.default };
    expect(codeOf(() => new ScoringClient(wrong))).toBe('he/invalid-parameters');
    const client = new ScoringClient({ provider, catalogue, parameters });
    const { reply, queryId } = exchange(client, custom, profile);
    expect(client.decryptScores(reply, { queryId, ...TOP }).length).toBe(3);
  });

  it('refuses a description that is not one, or scales the profile out of range', () => {
    const make = (change: object) => () =>
      new ScoringClient({ provider, catalogue: { ...scorer.description, ...change } });
    expect(codeOf(make({ items: 2 ** 31 }))).toBe('he/malformed-message');
    const { scoreErrorBound, profileScale } = scorer.description;
    const half = (HE_PRESETS.default.plaintextModulus - 1) / 2;
    for (const change of [
      { profileScale: 1e9 },
      { profileScale: half },
      { profileNormBound: 1e9 },
      { scoreErrorBound: 0 },
      { scoreScale: 1 },
      { featuresPerCiphertext: 1025 },
      { featuresPerCiphertext: 2048 },
      { droppedBits: [28, 0] },
    ]) {
      expect(codeOf(make(change)), JSON.stringify(change)).toBe('he/malformed-message');
    }
    expect(make({ scoreErrorBound: 2 * scoreErrorBound })).not.toThrow();
    // At the largest scale that passes, no admissible profile is refused.
    const edge = make({ profileScale: (half - 1) * (1 - 2 ** -18), scoreErrorBound: 1 })();
    for (const unit of [Float32Array.of(1, 0, 0, 0), Float32Array.of(0, -1, 0, 0), profile]) {
      expect(edge.encryptProfile(unit).query.length).toBe(scorer.queryBytes);
    }
    edge.dispose();
    expect(profileScale).toBeLessThan(half);
  });

  it('holds a server to the norm bound that was agreed', () => {
    const pinned = (change: object, profileNormBound: number) => () =>
      new ScoringClient({
        provider,
        catalogue: { ...scorer.description, ...change },
        profileNormBound,
      });
    expect(pinned({}, 1)).not.toThrow();
    expect(codeOf(pinned({ profileNormBound: 0.7 }, 1))).toBe('he/wrong-catalogue');
    expect(codeOf(pinned({}, 2))).toBe('he/wrong-catalogue');
  });
});
