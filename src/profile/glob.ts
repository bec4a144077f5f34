/**
 * True when the whole name fits the pattern, in which `*` stands for any text, also none. Linear in both
 * lengths but for backtracking to the last `*`; no regular expression is built from outside text.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] as string;
  if (parts.length === 1) return name === first;
  const last = parts.at(-1) as string;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  // Leftmost fits are enough: what comes between two stars may start as early as possible.
  const end = name.length - last.length;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Number of characters that a pattern fixes: of two patterns that fit, the one with more is more specific. */
export function globSpecificity(pattern: string): number {
  return pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.POSITIVE_INFINITY;
}
