const COUNT = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const NOT_AVAILABLE = 'n/a';

/** 12,345. */
export function count(value: number): string {
  return Number.isFinite(value) ? COUNT.format(value) : NOT_AVAILABLE;
}

/** "1 shopper", "2 shoppers". */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A metric between 0 and 1, to three decimals. */
export function metric(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : NOT_AVAILABLE;
}

/**
 * Epsilon to three decimals, **rounded up** like every bound here: what is shown is never less than what was
 * spent, and a value within its limit is shown within its limit.
 */
export function epsilon(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '∞';
  if (!Number.isFinite(value)) return NOT_AVAILABLE;
  return String(roundUp(value, 3));
}

/** Epsilon with all three decimals, for columns. */
export function epsilonColumn(value: number): string {
  return Number.isFinite(value) ? roundUp(value, 3).toFixed(3) : epsilon(value);
}

function roundUp(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  // 0.3 stored as 0.30000000000000004 is still 0.3.
  return Math.ceil(Number((value * scale).toPrecision(12))) / scale;
}

/** A small bound in two digits, rounded up: 10⁻⁵, 6.9 × 10⁻⁶, 0.0042. */
export function smallBound(value: number): string {
  if (!Number.isFinite(value)) return NOT_AVAILABLE;
  if (value === 0) return '0';
  let exponent = Math.floor(Math.log10(Math.abs(value)));
  let digits = roundUp(value / 10 ** exponent, 1);
  if (digits >= 10) {
    digits /= 10;
    exponent++;
  }
  if (exponent >= -3) return String(Number((digits * 10 ** exponent).toPrecision(3)));
  const power = `10${superscript(exponent)}`;
  return digits === 1 ? power : `${digits} × ${power}`;
}

function superscript(value: number): string {
  return String(value).replace(/./g, (c) => (c === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)] ?? '')));
}

/** 0.123 as 12%; tenths where they matter. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return NOT_AVAILABLE;
  const value = share * 100;
  if (value > 0 && value < 0.1) return 'under 0.1%';
  const small = value !== 0 && Math.abs(value) < 10;
  return `${Number(value.toFixed(small ? 1 : 0))}%`;
}

/** 1 kB is 1,000 bytes. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return NOT_AVAILABLE;
  if (value < 1000) return `${count(value)} bytes`;
  return value < 1e6 ? `${threeDigits(value / 1e3)} kB` : `${threeDigits(value / 1e6)} MB`;
}

/** Milliseconds, or seconds from ten of them on. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return NOT_AVAILABLE;
  if (value >= 10_000) return `${threeDigits(value / 1000)} s`;
  return value > 0 && value < 0.1 ? 'under 0.1 ms' : `${threeDigits(value)} ms`;
}

/** 12.3, 1.23, 123: three digits where there are decimals. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return NOT_AVAILABLE;
  return Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(3)));
}

/** +0.31 and −0.31, with a true minus sign. */
export function signed(value: number, decimals: number = 2): string {
  if (!Number.isFinite(value)) return NOT_AVAILABLE;
  const digits = Math.abs(value).toFixed(decimals);
  if (Number(digits) === 0) return digits;
  return `${value < 0 ? '−' : '+'}${digits}`;
}

/** "a, b and c". */
export function wordList(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A name of a tag or scene as people read it: `candle_light` is "candle light". */
export function readableName(name: string): string {
  return name.replaceAll('_', ' ');
}

/** The same at the beginning of a sentence. */
export function capitalised(name: string): string {
  const readable = readableName(name);
  const [first = ''] = readable;
  return first.toUpperCase() + readable.slice(first.length);
}
