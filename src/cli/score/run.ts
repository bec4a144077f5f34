import { Option } from 'commander';
import { EncryptedScorer } from '../../he/index.ts';
import { loadCatalogue } from '../../node/index.ts';
import type { CommandContext } from '../main.ts';
import { readBytes, writeOut } from './files.ts';

export interface RunOptions {
  readonly catalogue: string;
  readonly query: string;
  readonly out: string;
}

export const RUN_OPTIONS: readonly Option[] = [
  new Option('--catalogue <file>', 'from "score encode"').makeOptionMandatory(),
  new Option('--query <file>', 'from "score encrypt"').makeOptionMandatory(),
  new Option('--out <file>', 'where the reply goes').makeOptionMandatory(),
];

export const RUN_HELP = `
On the server: scores all items without a key. serverMs is the scoring alone, in a process that is warm; reading
and transforming the catalogue, which a service does once, is encodeMs.

Example:
  $ velatura score run --catalogue items.catalogue --query query.bin --out reply.bin --json`;

/** `velatura score run --catalogue items.catalogue --query query.bin --out reply.bin` */
export async function runScoring(options: RunOptions, { terminal }: CommandContext): Promise<void> {
  const query = readBytes(options.query);
  const started = performance.now();
  const scorer = new EncryptedScorer(await loadCatalogue(options.catalogue));
  const encodeMs = performance.now() - started;
  // Once for the compiler's sake; the second run is the one a running service sees.
  scorer.score(query);
  const warm = performance.now();
  const reply = scorer.score(query);
  const serverMs = performance.now() - warm;
  const { items } = scorer.description;
  writeOut(options.out, reply);
  terminal.print(
    `${options.out}: ${items} scores in ${serverMs.toFixed(1)} ms, ${query.length} bytes up, ${reply.length} down`,
  );
  terminal.json({
    items,
    serverMs,
    upBytes: query.length,
    downBytes: reply.length,
    encodeMs,
    kernel: scorer.kernelName,
    reply: options.out,
  });
}
