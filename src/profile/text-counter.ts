/** Longest text that is looked at, in UTF-16 units; the rest is not. */
const MAX_TEXT_LENGTH = 4096;
const LETTER = /[\p{L}\p{M}\p{N}]/u;
/** Scripts that put no spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;

/** Words that speak to each tag, the same for everybody and fixed without looking at anybody's text. */
export type TextLexicon = Readonly<Record<string, readonly string[]>>;

/**
 * Counts how often a text speaks to each tag, by a public list of words. Text goes in, numbers come out;
 * nothing of it is kept.
 */
export class TextCounter {
  readonly #words: readonly { readonly tag: string; readonly words: readonly string[] }[];
  readonly #maximum: number;

  /**
   * @param maximum - most that one text counts for one tag, so that a long rant says no more than a line
   * @throws RangeError for an empty word or a maximum below 1
   */
  constructor(lexicon: TextLexicon, maximum: number) {
    if (!Number.isSafeInteger(maximum) || maximum < 1) {
      throw new RangeError(`"maximum" expected an integer of at least 1, got ${maximum}`);
    }
    this.#maximum = maximum;
    this.#words = Object.entries(lexicon).map(([tag, words]) => {
      const folded = [...new Set(words.map(fold))];
      if (folded.includes(''))
        throw new RangeError(`"lexicon" expected words, tag "${tag}" has an empty one`);
      return { tag, words: folded };
    });
  }

  /** Tags to which the text speaks, with counts from 1 to the maximum. */
  count(text: string): ReadonlyMap<string, number> {
    const folded = fold(text.slice(0, MAX_TEXT_LENGTH));
    const counts = new Map<string, number>();
    for (const { tag, words } of this.#words) {
      let count = 0;
      for (const word of words) count += occurrences(folded, word, this.#maximum - count);
      if (count > 0) counts.set(tag, count);
    }
    return counts;
  }
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** How often a word stands in a text, at most `limit` times. */
function occurrences(text: string, word: string, limit: number): number {
  let count = 0;
  for (
    let at = text.indexOf(word);
    at !== -1 && count < limit;
    at = text.indexOf(word, at + word.length)
  ) {
    if (stands(text, at, word)) count += 1;
  }
  return count;
}

/** True unless the word is part of a longer one, in scripts that show where a word ends. */
function stands(text: string, at: number, word: string): boolean {
  if (UNSPACED.test(word)) return true;
  const before = text.charAt(at - 1);
  const after = text.charAt(at + word.length);
  return !LETTER.test(before) && !LETTER.test(after);
}
