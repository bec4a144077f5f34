import { Option } from 'commander';
import { createNodeSealProvider } from '../../he/index.ts';
import type { CommandContext } from '../main.ts';
import { readDescription } from './files.ts';
import { writeKeyFile } from './key-file.ts';

export interface KeygenOptions {
  readonly description: string;
  readonly out: string;
}

export const KEYGEN_OPTIONS: readonly Option[] = [
  new Option('--description <file>', 'what "score encode" wrote for clients').makeOptionMandatory(),
  new Option('--out <file>', 'where the key goes; must not be there').makeOptionMandatory(),
];

export const KEYGEN_HELP = `
The key is for ONE query: "score encrypt" refuses it a second time, "score decrypt" erases it. Whoever has
the file reads that query, so it is made readable for its owner alone (mode 0600) and never leaves the
client. In a program use ScoringClient, which makes a key per query and writes none anywhere.

Example:
  $ velatura score keygen --description items.json --out query.key`;

/** `velatura score keygen --description items.json --out query.key` */
export async function generateKey(
  { description: file, out }: KeygenOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const { description, parameters } = readDescription(file);
  const provider = await createNodeSealProvider();
  const key = provider.createKey(parameters);
  try {
    const secret = provider.exportKeyUnsafely(key);
    writeKeyFile(out, parameters, secret);
    secret.fill(0);
  } finally {
    key.dispose();
  }
  terminal.print(`${out}: a key for one query; keep it to yourself`);
  terminal.json({ key: out, parametersId: parameters.id, items: description.items });
}
