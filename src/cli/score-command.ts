import { Command, type Option } from 'commander';
import { DECRYPT_HELP, DECRYPT_OPTIONS, type DecryptOptions } from './score/decrypt.ts';
import { ENCODE_HELP, ENCODE_OPTIONS, type EncodeOptions } from './score/encode.ts';
import { ENCRYPT_HELP, ENCRYPT_OPTIONS, type EncryptOptions } from './score/encrypt.ts';
import { KEYGEN_HELP, KEYGEN_OPTIONS, type KeygenOptions } from './score/keygen.ts';
import { RUN_HELP, RUN_OPTIONS, type RunOptions } from './score/run.ts';

type Action<O> = (options: O & { readonly json: boolean }) => Promise<void>;

/** What the subcommands do. */
export interface ScoreActions {
  readonly encode: Action<EncodeOptions>;
  readonly keygen: Action<KeygenOptions>;
  readonly encrypt: Action<EncryptOptions>;
  readonly run: Action<RunOptions>;
  readonly decrypt: Action<DecryptOptions>;
}

const GROUP_HELP = `
The whole way, server (S) and client (C):
  S $ velatura score encode  --items items.npy --item-norm-bound 1 --profile-norm-bound 1 --out items.catalogue
  C $ velatura score keygen  --description items.catalogue.json --out query.key
  C $ velatura score encrypt --description items.catalogue.json --profile profile.json --key query.key --out query.bin
  S $ velatura score run     --catalogue items.catalogue --query query.bin --out reply.bin
  C $ velatura score decrypt --description items.catalogue.json --key query.key --reply reply.bin --top 20`;

/** The command group with its options and help; the actions are the caller's. */
export function scoreCommand(actions: ScoreActions): Command {
  const group = new Command('score')
    .description('score a catalogue for a profile that the server cannot read')
    .addHelpText('after', GROUP_HELP);
  const add = <O>(
    name: string,
    description: string,
    options: readonly Option[],
    help: string,
    action: Action<O>,
  ): void => {
    const command = group.command(name).description(description);
    for (const option of options) command.addOption(option);
    command
      .option('--json', 'print the result as JSON', false)
      .addHelpText('after', help)
      .action(action);
  };
  add('encode', 'server: make a catalogue of items', ENCODE_OPTIONS, ENCODE_HELP, actions.encode);
  add('keygen', 'client: make a key for one query', KEYGEN_OPTIONS, KEYGEN_HELP, actions.keygen);
  add('encrypt', 'client: encrypt a profile', ENCRYPT_OPTIONS, ENCRYPT_HELP, actions.encrypt);
  add('run', 'server: score a query', RUN_OPTIONS, RUN_HELP, actions.run);
  add(
    'decrypt',
    'client: open the reply, print a list',
    DECRYPT_OPTIONS,
    DECRYPT_HELP,
    actions.decrypt,
  );
  return group;
}
