import { afterEach, describe, expect, it } from 'vitest';
// @ts-expect-error: an example in plain JavaScript
import { openRoom } from '../../examples/live-room-gate/live-room.mjs';
import * as velatura from '../../src/profile/index.ts';

interface Room {
  readonly gate: velatura.CollectionGate;
  readonly collected: readonly velatura.CollectedEvent[];
  close(): void;
}

let room: Room | null = null;
afterEach(() => {
  room?.close();
  room = null;
});

function open(): { readonly root: HTMLElement; readonly room: Room } {
  const root = document.createElement('main');
  document.body.replaceChildren(root);
  room = openRoom(velatura, root) as Room;
  return { root, room };
}

function press(root: HTMLElement, text: string): void {
  const buttons = [...root.querySelectorAll('button')];
  const found = buttons.find((button) => button.textContent === text);
  if (found === undefined) throw new Error(`no button "${text}"`);
  found.click();
}

function say(root: HTMLElement, text: string): void {
  (root.querySelector('input') as HTMLInputElement).value = text;
  press(root, 'Say');
}

function shelf(root: HTMLElement): (string | null)[] {
  return [...(root.querySelectorAll('section')[1] as HTMLElement).children].map(
    (child) => child.textContent,
  );
}

const EVERYBODYS = ['Cast-iron pan', 'Oolong tea', 'Wok'];

describe('the live room of the example', () => {
  it('collects nothing before the viewer has chosen, and shows the list that everybody gets', () => {
    const { root, room } = open();
    press(root, 'Oolong tea');
    say(root, 'I want tea');
    expect(room.collected).toEqual([]);
    expect(Object.fromEntries(room.gate.refusals())).toEqual({ 'session-not-begun': 2 });
    expect(shelf(root)).toEqual(EVERYBODYS);
  });

  it('collects clicks and counts after a yes, never what was said, and stops when it is taken back', () => {
    const { root, room } = open();
    press(root, 'Agree');
    press(root, 'Oolong tea');
    say(root, 'My tea pot broke, I live in Elm Street');
    expect(room.collected.map(({ kind, tag, value }) => [kind, tag, value])).toEqual([
      ['click', 'tea', 1],
      ['comment', 'tea', 1],
    ]);
    expect(JSON.stringify(room.collected)).not.toContain('Elm');
    expect(shelf(root)[0]).toBe('Oolong tea');
    press(root, 'Withdraw');
    press(root, 'Wok');
    expect(room.collected).toHaveLength(2);
    expect(shelf(root)).toEqual(EVERYBODYS);
  });

  it.each(['Refuse', 'Only watch'])('opens all the same after "%s", in one click', (choice) => {
    const { root, room } = open();
    press(root, choice);
    expect((root.querySelector('.question') as HTMLElement).hidden).toBe(true);
    for (const article of EVERYBODYS) press(root, article);
    expect(room.collected).toEqual([]);
    expect(shelf(root)).toEqual(EVERYBODYS);
  });
});
