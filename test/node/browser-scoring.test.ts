import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CHROMIUM, CHROMIUM_FLAGS } from '../chromium.ts';

const root = resolve(import.meta.dirname, '../..');

/** The example as a user starts it: its process and the address it prints. */
async function startShop(): Promise<{ shop: ChildProcess; address: string }> {
  if (!existsSync(resolve(root, 'dist/he/index.js'))) {
    throw new Error('dist is missing: run "npm run build" first');
  }
  const shop = spawn(process.execPath, ['examples/browser-scoring/serve.mjs', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await new Promise<string>((done, fail) => {
    shop.stdout.on('data', (text) => {
      const found = /http:\S+(?=;)/.exec(String(text));
      if (found !== null) done(found[0]);
    });
    shop.on('exit', (code) => fail(new Error(`the shop ended with ${code}`)));
  });
  return { shop, address };
}

describe.skipIf(CHROMIUM === undefined)('the shop in a real Chromium', () => {
  let shop: ChildProcess;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const queries: Buffer[] = [];
  const strangers: string[] = [];

  beforeAll(async () => {
    const started = await startShop();
    shop = started.shop;
    browser = await chromium.launch({
      ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
      args: [...CHROMIUM_FLAGS],
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => problems.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith(started.address) && !request.url().startsWith('data:')) {
        strangers.push(request.url());
      }
      const body = request.postDataBuffer();
      if (body !== null) queries.push(body);
    });
    await page.goto(started.address);
    await answered(1);
  });

  afterAll(async () => {
    await browser?.close();
    shop?.kill();
  });

  /** Waits until so many queries were asked and the last one was answered. */
  async function answered(count: number): Promise<void> {
    await vi.waitUntil(
      async () =>
        queries.length === count && (await page.textContent('#state'))?.startsWith('Ranked'),
      { timeout: 30_000, interval: 20 },
    );
  }

  const titles = (): Promise<string[]> => page.locator('#list li > span').allTextContents();

  it('ranks the shop by an encrypted taste, and says what it took', async () => {
    const list = await titles();
    expect(list.length).toBe(12);
    expect(list[0]).toMatch(/bakeware, kitchen$/);
    for (const id of ['encrypt-ms', 'server-ms', 'decrypt-ms']) {
      expect(await page.textContent(`#${id}`)).toMatch(/^\d+(\.\d)? ms$/);
    }
    expect(await page.textContent('#up-bytes')).toBe(
      `${((queries[0] as Buffer).length / 1000).toFixed(1)} kB`,
    );
    expect(await page.textContent('#down-bytes')).toMatch(/^\d+(\.\d)? kB$/);
  });

  it('asks again in other bytes of the same length', async () => {
    await page.click('#ask');
    await answered(2);
    // Many articles tie, and the noise of a query decides among those: the taste is what stays.
    expect((await titles())[0]).toMatch(/bakeware, kitchen$/);
    const [first, second] = queries as [Buffer, Buffer];
    expect(second.length).toBe(first.length);
    const equal = first.subarray(72).filter((byte, i) => byte === second[72 + i]).length;
    // By chance one byte in 256; five times that is beyond 1e-9 for 50 kB.
    expect(equal).toBeLessThan((5 * first.length) / 256);
  });

  it('hides and filters without another question', async () => {
    const [first, second] = await titles();
    await page.locator('#list li button').first().click();
    const after = await titles();
    expect(after[0]).toBe(second);
    expect(after).not.toContain(first);
    await page.click('#only button:text-is("garden")');
    for (const title of await titles()) expect(title).toContain('garden');
    expect(queries.length).toBe(2);
  });

  it('follows another taste', async () => {
    await page.click('#only button:text-is("all")');
    await page.click('#people button:text-is("The gardener")');
    await answered(3);
    expect((await titles())[0]).toContain('garden');
  });

  it('answers a path that is none, and goes on', async () => {
    const { hostname, port } = new URL(page.url());
    const statusOf = (path: string): Promise<number | undefined> =>
      new Promise((done, fail) => {
        const asked = request({ hostname, port, path }, (response) => {
          response.resume();
          done(response.statusCode);
        });
        asked.on('error', fail);
        asked.end();
      });
    expect(await statusOf('//')).toBe(400);
    expect(await statusOf('/')).toBe(200);
  });

  it('asks nobody else, and has nothing to complain about', () => {
    expect(strangers).toEqual([]);
    expect(problems).toEqual([]);
  });
});
