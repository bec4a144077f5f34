import { Option } from 'commander';
import { VelaturaError } from '../../core/errors.ts';
import { checkNormBound } from '../../he/catalogue-parameters.ts';
import { encryptQuery } from '../../he/encrypt-query.ts';
import { createNodeSealProvider } from '../../he/index.ts';
import { readItems } from '../../node/index.ts';
import { parseNumber, readJson } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { readDescription, writeOut } from './files.ts';
import { claimKey, keyUsed, readKeyFile } from './key-file.ts';

export interface EncryptOptions {
  readonly description: string;
  readonly profile: string;
  readonly key: string;
  readonly profileNormBound?: string;
  readonly out: string;
}

export const ENCRYPT_OPTIONS: readonly Option[] = [
  new Option('--description <file>', 'what "score encode" wrote for clients').makeOptionMandatory(),
  new Option(
    '--profile <file>',
    'one vector: a JSON array, or a file as for items with one row',
  ).makeOptionMandatory(),
  new Option('--key <file>', 'from "score keygen"; is used up').makeOptionMandatory(),
  new Option(
    '--profile-norm-bound <number>',
    'the bound that profiles are known to keep; a catalogue with another is refused',
  ),
  new Option('--out <file>', 'where the query goes').makeOptionMandatory(),
];

export const ENCRYPT_HELP = `
On the client. The query hides the profile from whoever has no key; its length depends on the catalogue alone.

Example:
  $ velatura score encrypt --description items.json --profile profile.json --key query.key --out query.bin`;

/** `velatura score encrypt --profile profile.json --key query.key --out query.bin` */
export async function encryptProfileFile(
  options: EncryptOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const { description, parameters } = readDescription(options.description);
  const { profileNormBound: agreed } = options;
  checkNormBound(
    description,
    agreed === undefined ? undefined : parseNumber('--profile-norm-bound', agreed),
  );
  const profile = await readProfile(options.profile, description.dimensions);
  const { secret, queryId: usedFor } = readKeyFile(options.key, parameters, terminal);
  if (usedFor !== null) throw keyUsed(options.key);
  const provider = await createNodeSealProvider();
  const key = provider.importKey(parameters, secret);
  try {
    const { queryId, query, quantisationError } = encryptQuery(
      parameters,
      description,
      key,
      profile,
    );
    claimKey(options.key, queryId);
    writeOut(options.out, query);
    terminal.print(`${options.out}: ${query.length} bytes for the server; the key is used up`);
    terminal.json({
      items: description.items,
      upBytes: query.length,
      queryId,
      query: options.out,
      quantisationError,
    });
  } finally {
    key.dispose();
    secret.fill(0);
  }
}

/**
 * One row of numbers. What is wrong with it is said without the numbers.
 *
 * @throws {VelaturaError} `data/*`
 */
async function readProfile(file: string, dimensions: number): Promise<Float32Array> {
  const values = file.toLowerCase().endsWith('.json')
    ? readJson(file)
    : (await readItems(file)).items;
  const isVector =
    values instanceof Float32Array ||
    (Array.isArray(values) && values.every((value) => typeof value === 'number'));
  if (!isVector || values.length !== dimensions) {
    throw new VelaturaError(
      'data/invalid-value',
      `${file} expected one vector of ${dimensions} numbers`,
      { file, dimensions },
    );
  }
  return Float32Array.from(values);
}
