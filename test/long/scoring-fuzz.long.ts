import { describe, it } from 'vitest';
import { fuzzQueries, fuzzReplies } from '../he/fuzzed-frames.ts';

const FRAMES = 100_000;

describe('fuzzed frames of encrypted scoring', () => {
  it(`${FRAMES} queries reach the server`, () => fuzzQueries(FRAMES));

  it(`${FRAMES} replies reach the client`, () => fuzzReplies(FRAMES));
});
