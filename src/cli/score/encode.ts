import { Option } from 'commander';
import { VelaturaError } from '../../core/errors.ts';
import { createCatalogue, HE_PRESETS, planScoring } from '../../he/index.ts';
import { readItems, saveCatalogue } from '../../node/index.ts';
import { parseNumber } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { writeOut } from './files.ts';

type PresetName = 'default' | 'fast' | 'exact';

export interface EncodeOptions {
  readonly items: string;
  readonly columns?: string;
  readonly tensor?: string;
  readonly biases?: string;
  readonly itemNormBound: string;
  readonly profileNormBound: string;
  readonly preset: PresetName;
  readonly featuresPerCiphertext?: string;
  readonly out: string;
  readonly description?: string;
}

export const ENCODE_OPTIONS: readonly Option[] = [
  new Option(
    '--items <file>',
    'a row per item: .npy, .safetensors, .csv, .jsonl, .parquet',
  ).makeOptionMandatory(),
  new Option('--columns <list>', 'columns of a table that are features (default: all)'),
  new Option('--tensor <name>', 'of a safetensors file with several'),
  new Option('--biases <file>', 'one number per item, added to its score'),
  new Option(
    '--item-norm-bound <number>',
    'public bound on the norm of an item',
  ).makeOptionMandatory(),
  new Option(
    '--profile-norm-bound <number>',
    'public bound on the norm of a profile',
  ).makeOptionMandatory(),
  new Option('--preset <name>', 'parameter set')
    .choices(['default', 'fast', 'exact'])
    .default('default'),
  new Option(
    '--features-per-ciphertext <number>',
    'packing: more is less upload and more download (default: fewest bytes)',
  ),
  new Option('--out <file>', 'where the catalogue goes').makeOptionMandatory(),
  new Option(
    '--description <file>',
    'where the description for clients goes (default: <out>.json)',
  ),
];

export const ENCODE_HELP = `
For the server, once per version of the items. Items are rounded to bytes. The description is public: clients
need it, and nothing else, to ask. Bounds are public constants, chosen without looking at people.

Example:
  $ velatura score encode --items items.npy --item-norm-bound 1 --profile-norm-bound 1 --out items.catalogue`;

/** `velatura score encode --items items.npy --out items.catalogue` */
export async function encodeItems(
  options: EncodeOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const parameters = HE_PRESETS[options.preset];
  const columns = options.columns?.split(',').map((name) => name.trim());
  const { items, dimensions } = await readItems(options.items, {
    ...(options.tensor === undefined ? {} : { tensor: options.tensor }),
    ...(columns === undefined ? {} : { columns }),
  });
  const rows = items.length / dimensions;
  const biases = options.biases === undefined ? undefined : await readBiases(options.biases, rows);
  const workload = {
    parameters,
    items: rows,
    dimensions,
    biases: biases !== undefined,
    queriesPerVersion: 1,
  };
  const chosen =
    options.featuresPerCiphertext === undefined
      ? planScoring(workload).featuresPerCiphertext
      : parseNumber('--features-per-ciphertext', options.featuresPerCiphertext);
  const catalogue = usage(() =>
    createCatalogue({
      parameters,
      items,
      dimensions,
      ...(biases === undefined ? {} : { biases }),
      itemNormBound: parseNumber('--item-norm-bound', options.itemNormBound),
      profileNormBound: parseNumber('--profile-norm-bound', options.profileNormBound),
      featuresPerCiphertext: chosen,
    }),
  );
  await saveCatalogue(options.out, catalogue);
  const description = options.description ?? `${options.out}.json`;
  writeOut(description, `${JSON.stringify(catalogue.description, null, 2)}\n`);

  const { version, scoreErrorBound, droppedBits } = catalogue.description;
  const plan = planScoring({ ...workload, featuresPerCiphertext: chosen, droppedBits });
  terminal.print(
    `${options.out}: ${rows} items of ${dimensions} features, version ${version.slice(0, 12)}…`,
  );
  terminal.print(`${description}: what clients need to know`);
  terminal.print(
    `a query takes ${plan.queryBytes} bytes up and ${plan.replyBytes} down; scores err by at most ${scoreErrorBound.toPrecision(2)}`,
  );
  if (plan.shippingMatrixIsCheaper) {
    terminal.print(
      `the items are ${plan.matrixBytes} bytes: unless they are secret or change often, sending them to the client is cheaper`,
    );
  }
  terminal.json({
    items: rows,
    dimensions,
    version,
    catalogue: options.out,
    description,
    preset: options.preset,
    featuresPerCiphertext: chosen,
    scoreErrorBound,
    itemQuantisationError: catalogue.itemQuantisationError,
    upBytes: plan.queryBytes,
    downBytes: plan.replyBytes,
    matrixBytes: plan.matrixBytes,
    shippingMatrixIsCheaper: plan.shippingMatrixIsCheaper,
  });
}

async function readBiases(file: string, rows: number): Promise<Float32Array> {
  const { items, dimensions } = await readItems(file);
  if (dimensions !== 1 || items.length !== rows) {
    throw new VelaturaError(
      'data/invalid-value',
      `${file} expected ${rows} rows of one number, got ${items.length / dimensions} of ${dimensions}`,
      { file },
    );
  }
  return items;
}

/** What a function calls a mistake of the programmer is one of whoever typed the command. */
function usage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new VelaturaError('cli/usage', error.message, {}, { cause: error });
  }
}
