import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

/** Chromium is never downloaded: `CHROME_PATH`, or the places where a system keeps it. */
const chromium = [
  process.env['CHROME_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path));

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
      '@noble/hashes/sha2.js',
      '@noble/hashes/utils.js',
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
          ...(chromium === undefined ? {} : { executablePath: chromium }),
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--disable-dev-shm-usage',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
          ],
        },
      }),
    },
  },
};

if (chromium === undefined) {
  const message =
    'SKIPPED: browser tests (test/browser): no Chromium found; set CHROME_PATH or install one';
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`\n${message}\n`);
}

export default defineConfig({
  test: {
    projects: chromium === undefined ? [node] : [node, browser],
    // By default one core is left idle, which on two is half of them.
    maxWorkers: Math.max(2, availableParallelism()),
  },
});
