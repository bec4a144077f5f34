import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
} from '../../src/he/index.ts';
import { codeOf, unitVectors } from './fixtures.ts';

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
const replyTo = (): Uint8Array => scorer.score(client.encryptProfile(profile).query);

describe('a reply in pieces', () => {
  it.each([1, 71, 1000, 1_000_000])('is the whole reply (%d bytes a piece)', (size) => {
    const query = client.encryptProfile(profile).query;
    const reply = scorer.score(query);
    const incoming = client.readReply();
    const pieces = size === 1 ? [100, ...new Array(40).fill(1)] : [];
    let at = 0;
    for (const piece of pieces) {
      incoming.push(reply.subarray(at, at + piece));
      at += piece;
    }
    for (; at < reply.length; at += size * 50) incoming.push(reply.subarray(at, at + size * 50));
    const streamed = incoming.finish().revealRawScoresUnsafely();
    expect(streamed.length).toBe(2500);
    const again = scorer.score(client.encryptProfile(profile).query);
    const whole = client.decryptReply(again).revealRawScoresUnsafely();
    const bound = 2 * scorer.description.scoreErrorBound;
    expect(streamed.every((score, i) => Math.abs(score - (whole[i] as number)) <= bound)).toBe(
      true,
    );
  });

  it('shows nothing and erases no key before it is whole', () => {
    const reply = replyTo();
    const before = client.openQueries;
    const incoming = client.readReply();
    incoming.push(reply.subarray(0, reply.length - 1));
    expect(codeOf(() => incoming.finish())).toBe('he/malformed-message');
    expect(client.openQueries).toBe(before);
    expect(codeOf(() => incoming.push(reply.subarray(reply.length - 1)))).toBe('TypeError');
    expect(client.decryptScores(reply, { topK: 1 }).length).toBe(1);
    expect(client.openQueries).toBe(before - 1);
  });

  it('ends with the first byte too many', () => {
    const reply = replyTo();
    const incoming = client.readReply();
    incoming.push(reply);
    expect(codeOf(() => incoming.push(Uint8Array.of(0)))).toBe('he/malformed-message');
    expect(codeOf(() => incoming.finish())).toBe('TypeError');
    client.decryptScores(reply, { topK: 1 });
  });

  it('is refused from its head on when it is another one', () => {
    const stranger = new ScoringClient({ provider, catalogue: scorer.description });
    const reply = scorer.score(stranger.encryptProfile(profile).query);
    const incoming = client.readReply();
    incoming.push(reply.subarray(0, 72));
    expect(codeOf(() => incoming.push(reply.subarray(72)))).toBe('he/wrong-query');
    expect(codeOf(() => client.readReply().push(new Uint8Array(72)))).toBe('he/malformed-message');
    expect(codeOf(() => client.readReply().finish())).toBe('he/malformed-message');
    stranger.dispose();
  });

  it('cannot be finished twice, nor by two readers', () => {
    const reply = replyTo();
    const [first, second] = [client.readReply(), client.readReply()];
    first.push(reply);
    second.push(reply);
    expect(first.finish().items).toBe(2500);
    expect(codeOf(() => first.finish())).toBe('TypeError');
    expect(codeOf(() => second.finish())).toBe('he/wrong-query');
  });
});
