import { describe, it } from 'vitest';
import { fuzzQueries, fuzzReplies } from './fuzzed-frames.ts';

// 100,000 of each: test/long/scoring-fuzz.long.ts.
describe('fuzzed frames', () => {
  it('reach the server as a coded refusal or as a well-formed query', () => fuzzQueries(3000));

  it('reach the client as a coded refusal or as a well-formed reply', () => fuzzReplies(2000));
});
