import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { CHROMIUM, CHROMIUM_FLAGS } from './test/chromium.ts';

const node: TestProjectConfiguration = {
  test: {
    name: 'node',
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
};

const browser: TestProjectConfiguration = {
  // Cross-origin isolation as a real deployment would have it.
  server: {
    headers: {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    },
  },
  optimizeDeps: {
    // Every dependency by the exact path imported: one that is missing here reloads the page in mid-run.
    include: [
      'node-seal',
      'cborg',
      'seedrandom',
      '@noble/hashes/hmac.js',
      '@noble/hashes/sha2.js',
      '@noble/hashes/utils.js',
      'valibot',
    ],
  },
  test: {
    name: 'browser',
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      instances: [{ browser: 'chromium' }],
      provider: playwright({
        launchOptions: {
          ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
          args: [...CHROMIUM_FLAGS],
        },
      }),
    },
  },
};

if (CHROMIUM === undefined) {
  const message =
    'SKIPPED: browser tests (test/browser): no Chromium found; set CHROME_PATH or install one';
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`\n${message}\n`);
}

export default defineConfig({
  test: {
    projects: CHROMIUM === undefined ? [node] : [node, browser],
    // By default one core is left idle, which on two is half of them.
    maxWorkers: Math.max(2, availableParallelism()),
  },
});
