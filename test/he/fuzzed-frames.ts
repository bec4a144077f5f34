import fc from 'fast-check';
import { expect } from 'vitest';
import { VelaturaError } from '../../src/core/errors.ts';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
} from '../../src/he/index.ts';
import { HEADER_BYTES } from '../../src/he/message-head.ts';
import { unitVectors } from './fixtures.ts';

const dimensions = 3;
const catalogue = createCatalogue({
  parameters: HE_PRESETS.insecureToy,
  items: unitVectors('fuzz', 100, dimensions),
  dimensions,
  itemNormBound: 1,
  profileNormBound: 1,
});
const scorer = new EncryptedScorer(catalogue, { allowInsecure: true });
const client = new ScoringClient({
  provider: await createNodeSealProvider(),
  catalogue: scorer.description,
  allowInsecure: true,
});
const profile = unitVectors('fuzzed person', 1, dimensions);
const goodQuery = client.encryptProfile(profile).query;
const goodReply = scorer.score(goodQuery);

/** Bytes near a good message: edited, cut, lengthened, or nothing like it. */
function framesNear(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(
    fc.oneof(fc.nat(HEADER_BYTES - 1), fc.nat(good.length - 1)),
    fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)),
  );
  const edited = fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) => {
    const bytes = good.slice();
    for (const [offset, value] of edits) bytes[offset] = value;
    return bytes;
  });
  const cut = fc.nat(good.length - 1).map((length) => good.slice(0, length));
  const longer = fc.uint8Array({ minLength: 1, maxLength: 500 }).map((tail) => {
    const bytes = new Uint8Array(good.length + tail.length);
    bytes.set(good);
    bytes.set(tail, good.length);
    return bytes;
  });
  const noise = fc.uint8Array({ maxLength: good.length + 8 });
  const sameHeader = fc
    .uint8Array({ minLength: good.length - HEADER_BYTES, maxLength: good.length - HEADER_BYTES })
    .map((tail) => {
      const bytes = good.slice();
      bytes.set(tail, HEADER_BYTES);
      return bytes;
    });
  return fc.oneof({ weight: 4, arbitrary: edited }, cut, longer, noise, sameHeader);
}

/** Whether the reader accepted; any error but a coded refusal fails the test. */
function accepts(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(VelaturaError);
    expect((error as VelaturaError).code).toMatch(
      /^he\/(malformed-message|wrong-query|wrong-catalogue|insecure-parameters)$/,
    );
    return false;
  }
}

/** Sends frames near a good query to a server: every one is a coded refusal, or a well-formed query. */
export function fuzzQueries(runs: number): void {
  let accepted = 0;
  fc.assert(
    fc.property(framesNear(goodQuery), (bytes) => {
      if (!accepts(() => expect(scorer.score(bytes).length).toBe(goodReply.length))) return;
      accepted++;
      // Only the query id and residues below the prime are free.
      expect(bytes.length).toBe(goodQuery.length);
      expect(bytes.subarray(0, 16)).toEqual(goodQuery.subarray(0, 16));
      expect(bytes.subarray(32, HEADER_BYTES)).toEqual(goodQuery.subarray(32, HEADER_BYTES));
    }),
    { numRuns: runs },
  );
  expect(accepted).toBeGreaterThan(0);
  expect(accepts(() => scorer.score(goodQuery))).toBe(true);
}

/** Sends frames near a good reply to a client: every one is a coded refusal, or a well-formed reply. */
export function fuzzReplies(runs: number): void {
  let accepted = 0;
  let asked = client.encryptProfile(profile);
  fc.assert(
    fc.property(framesNear(goodReply), (bytes) => {
      const current = bytes.slice();
      if (current.length >= HEADER_BYTES && isSameId(current))
        current.set(asked.query.subarray(16, 32), 16);
      const { queryId } = asked;
      if (!accepts(() => client.decryptScores(current, { queryId, topK: 10 }))) return;
      accepted++;
      asked = client.encryptProfile(profile); // that reply has ended the query of before
      expect(current.length).toBe(goodReply.length);
      expect(current.subarray(32, HEADER_BYTES)).toEqual(goodReply.subarray(32, HEADER_BYTES));
    }),
    { numRuns: runs },
  );
  expect(accepted).toBeGreaterThan(0);
  client.dispose();
}

function isSameId(bytes: Uint8Array): boolean {
  return bytes.subarray(16, 32).every((byte, i) => byte === goodReply[16 + i]);
}
