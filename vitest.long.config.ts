import { defineConfig } from 'vitest/config';

/** The full counts, `npm run test:long`: ten times the programs of `npm test`, and every kill. */
export default defineConfig({
  test: {
    name: 'long',
    include: ['test/long/**/*.long.ts'],
    testTimeout: 4 * 3_600_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
    // What was run and how often is a part of the result.
    disableConsoleIntercept: true,
  },
});
