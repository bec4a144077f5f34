import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Conversation, confirmByTyping } from '../../src/cli/budget/confirm.ts';

function conversation(isTTY: boolean): Conversation & { readonly input: PassThrough } {
  return { input: Object.assign(new PassThrough(), { isTTY }), output: new PassThrough() };
}

const quiet = new AbortController().signal;

describe('asking before what cannot be undone', () => {
  it('goes on when the word is typed', async () => {
    const asked = conversation(true);
    const done = confirmByTyping('Sure?', 'live', quiet, asked);
    asked.input.write(' live \n');
    await done;
    expect(String((asked.output as PassThrough).read())).toContain('Sure? ');
  });

  it.each(['yes\n', '\n', 'live-food\n', 'LIVE\n'])('stops at %j', async (answer) => {
    const asked = conversation(true);
    const done = confirmByTyping('Sure?', 'live', quiet, asked);
    asked.input.write(answer);
    await expect(done).rejects.toMatchObject({ code: 'core/aborted' });
  });

  it('stops when the terminal goes away', async () => {
    const asked = conversation(true);
    const done = confirmByTyping('Sure?', 'live', quiet, asked);
    asked.input.end();
    await expect(done).rejects.toMatchObject({ code: 'core/aborted' });
  });

  it('stops on Ctrl-C', async () => {
    const interruption = new AbortController();
    const done = confirmByTyping('Sure?', 'live', interruption.signal, conversation(true));
    interruption.abort();
    await expect(done).rejects.toMatchObject({ code: 'core/aborted' });
  });

  it('is wrong usage where nobody can be asked', async () => {
    const nobody = confirmByTyping('Sure?', 'live', quiet, conversation(false));
    await expect(nobody).rejects.toMatchObject({ code: 'cli/usage' });
  });
});
