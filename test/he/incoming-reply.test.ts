import { describe, expect, it, vi } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
} from '../../src/he/index.ts';
import * as packing from '../../src/he/packing.ts';
import { codeOf, exchange, unitVectors } from './fixtures.ts';

// So that a test can see what is decrypted before it is shown.
vi.mock('../../src/he/packing.ts', { spy: true });

const provider = await createNodeSealProvider();
const dimensions = 4;
const scorer = new EncryptedScorer(
  createCatalogue({
    parameters: HE_PRESETS.fast,
    items: unitVectors('shop', 2500, dimensions),
    dimensions,
    itemNormBound: 1,
    profileNormBound: 1,
  }),
);
const profile = unitVectors('person', 1, dimensions);
const client = new ScoringClient({ provider, catalogue: scorer.description });
const ask = () => exchange(client, scorer, profile);

describe('a reply in pieces', () => {
  it.each([1, 71, 1000, 1_000_000])('is the whole reply (%d bytes a piece)', (size) => {
    const { reply, queryId } = ask();
    const incoming = client.readReply(queryId);
    const pieces = size === 1 ? [100, ...new Array(40).fill(1)] : [];
    let at = 0;
    for (const piece of pieces) {
      incoming.push(reply.subarray(at, at + piece));
      at += piece;
    }
    for (; at < reply.length; at += size * 50) incoming.push(reply.subarray(at, at + size * 50));
    const streamed = incoming.finish().revealRawScoresUnsafely();
    expect(streamed.length).toBe(2500);
    const again = ask();
    const whole = client.decryptReply(again.reply, again.queryId).revealRawScoresUnsafely();
    const bound = 2 * scorer.description.scoreErrorBound;
    expect(streamed.every((score, i) => Math.abs(score - (whole[i] as number)) <= bound)).toBe(
      true,
    );
  });

  it('shows nothing and erases no key before it is whole', () => {
    const { reply, queryId } = ask();
    const before = client.openQueries;
    const incoming = client.readReply(queryId);
    incoming.push(reply.subarray(0, reply.length - 1));
    expect(codeOf(() => incoming.finish())).toBe('he/malformed-message');
    expect(client.openQueries).toBe(before);
    expect(codeOf(() => incoming.push(reply.subarray(reply.length - 1)))).toBe('TypeError');
    expect(client.decryptScores(reply, { queryId, topK: 1 }).length).toBe(1);
    expect(client.openQueries).toBe(before - 1);
  });

  it('ends with the first byte too many', () => {
    const { reply, queryId } = ask();
    const incoming = client.readReply(queryId);
    incoming.push(reply);
    expect(codeOf(() => incoming.push(Uint8Array.of(0)))).toBe('he/malformed-message');
    expect(codeOf(() => incoming.finish())).toBe('TypeError');
    client.decryptScores(reply, { queryId, topK: 1 });
  });

  it('is refused from its head on when it is another one', () => {
    const stranger = new ScoringClient({ provider, catalogue: scorer.description });
    const { reply } = exchange(stranger, scorer, profile);
    const { queryId } = client.encryptProfile(profile);
    const incoming = client.readReply(queryId);
    expect(codeOf(() => incoming.push(reply.subarray(0, 72)))).toBe('he/wrong-query');
    expect(codeOf(() => client.readReply(queryId).push(new Uint8Array(72)))).toBe(
      'he/malformed-message',
    );
    expect(codeOf(() => client.readReply(queryId).finish())).toBe('he/malformed-message');
    stranger.dispose();
  });

  it('cannot be finished twice, nor by two readers', () => {
    const { reply, queryId } = ask();
    const [first, second] = [client.readReply(queryId), client.readReply(queryId)];
    first.push(reply);
    second.push(reply);
    expect(first.finish().items).toBe(2500);
    expect(codeOf(() => first.finish())).toBe('TypeError');
    expect(codeOf(() => second.finish())).toBe('he/wrong-query');
  });

  it('is the one that was asked for, not one to another open query', () => {
    const [first, second] = [ask(), ask()];
    const open = client.openQueries;
    const swapped = { queryId: first.queryId, topK: 1 };
    expect(codeOf(() => client.decryptScores(second.reply, swapped))).toBe('he/wrong-query');
    expect(codeOf(() => client.decryptReply(first.reply, second.queryId))).toBe('he/wrong-query');
    expect(codeOf(() => client.readReply(first.queryId).push(second.reply))).toBe('he/wrong-query');
    expect(client.openQueries).toBe(open);
    for (const { reply, queryId } of [first, second]) {
      expect(client.decryptScores(reply, { queryId, topK: 1 }).length).toBe(1);
    }
  });

  it('leaves nothing decrypted behind when it breaks off', () => {
    const { reply, queryId } = ask();
    const written: Int32Array[] = [];
    const unpack = vi.spyOn(packing, 'unpackScores').mockImplementation((coefficients, scores) => {
      scores.set(coefficients.subarray(0, scores.length));
      written.push(scores);
    });
    const incoming = client.readReply(queryId);
    incoming.push(reply.subarray(0, reply.length - 1));
    unpack.mockRestore();
    expect(written.some((scores) => scores.some((score) => score !== 0))).toBe(true);
    incoming.abort();
    incoming.abort();
    expect(written.every((scores) => scores.every((score) => score === 0))).toBe(true);
    expect(codeOf(() => incoming.push(reply.subarray(reply.length - 1)))).toBe('TypeError');
    // The query is still open, and a reply that was finished is not touched.
    const whole = client.readReply(queryId);
    whole.push(reply);
    const scores = whole.finish();
    whole.abort();
    expect(scores.rank({ topK: 1 })[0]?.score).not.toBe(0);
  });
});
