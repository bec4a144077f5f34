import { describe, expect, it } from 'vitest';
import {
  addItems,
  createCatalogue,
  createNodeSealProvider,
  drawAuditedRows,
  EncryptedScorer,
  HE_PRESETS,
  insecureNoOpProvider,
  type ScoringCatalogue,
  ScoringClient,
  takeAuditedItems,
} from '../../src/he/index.ts';
import { HEADER_BYTES } from '../../src/he/message-head.ts';
import { replyBlockBytes } from '../../src/he/reply-wire.ts';
import { codeOf, exchange, unitVectors } from './fixtures.ts';

const ITEMS = 5000;
const DIMENSIONS = 8;
const parameters = HE_PRESETS.default;
const items = unitVectors('audited', ITEMS, DIMENSIONS);
const honest = catalogueOf(items);
const client = new ScoringClient({
  provider: await createNodeSealProvider(),
  catalogue: honest.description,
});
const profile = unitVectors('auditor', 1, DIMENSIONS);

function catalogueOf(vectors: Float32Array): ScoringCatalogue {
  return createCatalogue({
    parameters,
    items: vectors,
    dimensions: DIMENSIONS,
    biases: Float32Array.from({ length: ITEMS }, (_, i) => (i % 10) / 20),
    itemNormBound: 1,
    profileNormBound: 1,
    coefficientBound: 1,
  });
}

/** A reply of a server that scores other vectors and claims to be the honest one. */
function forgedReply(vectors: Float32Array): { reply: Uint8Array; queryId: string } {
  const forged = catalogueOf(vectors);
  const scorer = new EncryptedScorer(forged);
  const { query, queryId } = client.encryptProfile(profile);
  const claimed = query.slice();
  const version = (catalogue: ScoringCatalogue) =>
    Buffer.from(catalogue.description.version, 'hex');
  claimed.set(version(forged), 32);
  const reply = scorer.score(claimed);
  reply.set(version(honest), 32);
  return { reply, queryId };
}

describe('audited items', () => {
  const rows = drawAuditedRows(parameters, honest.description, 2);
  const audited = takeAuditedItems(honest, rows);

  it('are drawn from every block, without repeats and not always the same', () => {
    expect([...rows].map((row) => Math.floor(row / 2047))).toEqual([0, 0, 1, 1, 2, 2]);
    expect(new Set(rows).size).toBe(6);
    const others = drawAuditedRows(parameters, honest.description, 300);
    expect(others).toHaveLength(900);
    expect(Math.max(...others)).toBeLessThan(ITEMS);
    expect(drawAuditedRows(parameters, honest.description, 300)).not.toEqual(others);
    const all = drawAuditedRows(parameters, { ...honest.description, items: 5 }, 9);
    expect([...all]).toEqual([0, 1, 2, 3, 4]);
  });

  it('pass an honest reply', () => {
    const { reply, queryId } = exchange(client, new EncryptedScorer(honest), profile);
    const scores = client.decryptReply(reply, queryId);
    expect(() => scores.audit(audited, profile)).not.toThrow();
    const everything = takeAuditedItems(
      honest,
      Uint32Array.from({ length: ITEMS }, (_, i) => i),
    );
    expect(() => scores.audit(everything, profile)).not.toThrow();
    scores.erase();
    expect(codeOf(() => scores.audit(audited, profile))).toBe('he/failed-audit');
  });

  it('catch another vector of an audited item, and miss that of any other', () => {
    const row = rows[3] as number;
    const [known, unknown] = [items.slice(), items.slice()];
    for (let f = 0; f < DIMENSIONS; f++) known[row * DIMENSIONS + f] = f === 0 ? 1 : 0;
    const other = [...Array(ITEMS).keys()].find((item) => !rows.includes(item)) as number;
    for (let f = 0; f < DIMENSIONS; f++) unknown[other * DIMENSIONS + f] = f === 0 ? 1 : 0;
    const first = forgedReply(known);
    const caught = client.decryptReply(first.reply, first.queryId);
    expect(codeOf(() => caught.audit(audited, profile))).toBe('he/failed-audit');
    const second = forgedReply(unknown);
    const missed = client.decryptReply(second.reply, second.queryId);
    expect(() => missed.audit(audited, profile)).not.toThrow();
  });

  it('catch a block in the place of another', () => {
    const { reply, queryId } = exchange(client, new EncryptedScorer(honest), profile);
    const size = replyBlockBytes(parameters, honest.description.droppedBits);
    reply.copyWithin(HEADER_BYTES, HEADER_BYTES + size, HEADER_BYTES + 2 * size);
    const scores = client.decryptReply(reply, queryId);
    expect(codeOf(() => scores.audit(audited, profile))).toBe('he/failed-audit');
  });

  it('are of one version of the catalogue', () => {
    const next = addItems(honest, new Float32Array(DIMENSIONS), Float32Array.of(0));
    const { reply, queryId } = exchange(client, new EncryptedScorer(honest), profile);
    const scores = client.decryptReply(reply, queryId);
    expect(codeOf(() => scores.audit(takeAuditedItems(next, rows), profile))).toBe(
      'he/wrong-catalogue',
    );
  });

  it('reckon with the bound and scales of the owner: a server cannot choose what nothing fails', () => {
    const changes = [
      { scoreErrorBound: 1e9 },
      { scoreScale: honest.description.scoreScale * 1e6 },
      { profileScale: 1e-9 },
      { profileNormBound: 0.5 },
    ];
    for (const change of changes) {
      const lying = new ScoringClient({
        provider: insecureNoOpProvider,
        catalogue: { ...honest.description, ...change },
        allowInsecure: true,
      });
      const half = profile.map((value) => value / 2.1);
      const { reply, queryId } = exchange(lying, new EncryptedScorer(honest), half);
      // The second block in the place of the first.
      const size = replyBlockBytes(parameters, honest.description.droppedBits);
      reply.copyWithin(HEADER_BYTES, HEADER_BYTES + size, HEADER_BYTES + 2 * size);
      const scores = lying.decryptReply(reply, queryId);
      expect(codeOf(() => scores.audit(audited, half))).toBe('he/wrong-catalogue');
    }
    // What travelled as JSON is the same description.
    const travelled = { ...audited, description: JSON.parse(JSON.stringify(audited.description)) };
    const { reply, queryId } = exchange(client, new EncryptedScorer(honest), profile);
    const scores = client.decryptReply(reply, queryId);
    expect(() => scores.audit(travelled, profile)).not.toThrow();
  });

  it('refuse a packing that cannot be, instead of looking for its blocks for ever', () => {
    for (const featuresPerCiphertext of [1025, 2048, 4096]) {
      const wrong = { ...honest.description, featuresPerCiphertext };
      expect(codeOf(() => drawAuditedRows(parameters, wrong, 1))).toBe('he/malformed-message');
    }
  });

  it('refuse rows and numbers that cannot be', () => {
    expect(codeOf(() => takeAuditedItems(honest, Uint32Array.of(ITEMS)))).toBe('RangeError');
    expect(codeOf(() => drawAuditedRows(parameters, honest.description, 0))).toBe('RangeError');
  });
});
