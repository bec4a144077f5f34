import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { VelaturaError } from '../../core/errors.ts';

/** Where the question is asked and answered. */
export interface Conversation {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/**
 * Lets the person at the terminal type a word before something that cannot be undone.
 *
 * @param question - asked only where somebody can answer; lines that say what is at stake come first
 * @param word - what has to be typed
 * @throws {VelaturaError} `cli/usage` where there is nobody to ask; `core/aborted` for any other answer
 */
export async function confirmByTyping(
  question: string,
  word: string,
  signal: AbortSignal,
  { input, output }: Conversation = { input: process.stdin, output: process.stderr },
): Promise<void> {
  if (input.isTTY !== true) {
    throw new VelaturaError(
      'cli/usage',
      'nothing was changed: nobody can be asked here; say --yes to go on without',
      {
        option: '--yes',
      },
    );
  }
  const dialogue = createInterface({ input, output });
  try {
    const answer = await new Promise<string>((resolve) => {
      dialogue.once('close', () => resolve(''));
      if (signal.aborted) dialogue.close();
      signal.addEventListener('abort', () => dialogue.close(), { once: true });
      dialogue.question(`${question} `).then(resolve, () => resolve(''));
    });
    if (answer.trim() !== word) {
      throw new VelaturaError('core/aborted', 'not confirmed: nothing was changed');
    }
  } finally {
    dialogue.close();
  }
}
