import { Option } from 'commander';
import { VelaturaError } from '../../core/errors.ts';
import { IncomingReply } from '../../he/incoming-reply.ts';
import { createNodeSealProvider, type RankingOptions } from '../../he/index.ts';
import { parseNumber, readJson } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { formatTable } from '../terminal.ts';
import { readBytes, readDescription } from './files.ts';
import { eraseKey, readKeyFile } from './key-file.ts';

export interface DecryptOptions {
  readonly description: string;
  readonly key: string;
  readonly reply: string;
  readonly top: string;
  readonly exclude?: string;
  readonly only?: string;
  readonly head?: string;
  readonly keepKey: boolean;
}

export const DECRYPT_OPTIONS: readonly Option[] = [
  new Option('--description <file>', 'what "score encode" wrote for clients').makeOptionMandatory(),
  new Option('--key <file>', 'the key of the query; is erased').makeOptionMandatory(),
  new Option('--reply <file>', 'from "score run"').makeOptionMandatory(),
  new Option('--top <number>', 'how many items').default('20'),
  new Option('--exclude <list>', 'items that may not appear: 3,14,15 or a JSON file'),
  new Option('--only <list>', 'the only items that may appear: 3,14,15 or a JSON file'),
  new Option('--head <name>', 'which score of an item with several (default: the first)'),
  new Option('--keep-key', 'do not erase the key').default(false),
];

export const DECRYPT_HELP = `
On the client. Prints the best items with scores rounded to what encryption left of them. The list is the
client's: whoever sees it learns what it shows of the profile. The key is erased when the list is there.

Example:
  $ velatura score decrypt --description items.json --key query.key --reply reply.bin --top 10`;

/** `velatura score decrypt --key query.key --reply reply.bin --top 10` */
export async function decryptReplyFile(
  options: DecryptOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const { description, parameters } = readDescription(options.description);
  const ranking = rankingOf(
    options,
    description.items / description.heads.length,
    description.heads,
  );
  const reply = readBytes(options.reply);
  const { secret, queryId } = readKeyFile(options.key, parameters, terminal);
  if (queryId === null) {
    throw new VelaturaError('he/wrong-query', `${options.key} has encrypted nothing yet`, {
      file: options.key,
    });
  }
  const provider = await createNodeSealProvider();
  const key = provider.importKey(parameters, secret);
  try {
    const incoming = new IncomingReply(parameters, description, queryId, {
      find: () => key,
      close: () => key.dispose(),
    });
    incoming.push(reply);
    const scores = incoming.finish();
    const ranked = scores.rank(ranking);
    scores.erase();
    if (!options.keepKey) eraseKey(options.key);
    const rows = ranked.map(({ item, score }) => [String(item), score.toPrecision(4)]);
    for (const line of formatTable(['item', 'score'], rows)) terminal.print(line);
    terminal.json({ items: description.items, downBytes: reply.length, ranking: ranked });
  } finally {
    key.dispose();
    secret.fill(0);
  }
}

/** The list that is wanted, checked before the key is touched. */
function rankingOf(
  { top, exclude, only, head }: DecryptOptions,
  items: number,
  heads: readonly string[],
): RankingOptions {
  const topK = parseNumber('--top', top);
  if (!Number.isInteger(topK) || topK < 1) {
    throw new VelaturaError('cli/usage', `--top expected a positive integer, got ${top}`, {});
  }
  if (head !== undefined && !heads.includes(head)) {
    throw new VelaturaError(
      'cli/usage',
      `--head expected one of ${heads.join(', ')}, got ${head}`,
      {},
    );
  }
  return {
    topK,
    ...(exclude === undefined ? {} : { exclude: parseItems('--exclude', exclude, items) }),
    ...(only === undefined ? {} : { only: parseItems('--only', only, items) }),
    ...(head === undefined ? {} : { head }),
  };
}

function parseItems(option: string, text: string, items: number): readonly number[] {
  const json = text.toLowerCase().endsWith('.json') ? readJson(text) : null;
  const list = json === null ? text.split(',').map((each) => parseNumber(option, each)) : json;
  const fits = (item: unknown): boolean =>
    Number.isInteger(item) && (item as number) >= 0 && (item as number) < items;
  if (!Array.isArray(list) || !list.every(fits)) {
    throw new VelaturaError('cli/usage', `${option} expected items from 0 to ${items - 1}`, {
      items,
    });
  }
  return list;
}
