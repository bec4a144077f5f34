/** A row of a table: column → value, in text. */
export type AttackedRow = Readonly<Record<string, string>>;

/** Somebody of whom the attacker knows some columns. */
export interface KnownPerson {
  readonly row: AttackedRow;
  /** Position of this person's row in the released table, to score the attack; null for somebody not in it. */
  readonly truth: number | null;
}

/** How well released rows could be linked to known people. */
export interface LinkageResult {
  /** People attacked who are in the table. */
  readonly people: number;
  /** Of them, those who match one row only, and the right one. */
  readonly unique: number;
  /** Expected share of people found when the attacker picks among matching rows at random. */
  readonly rate: number;
  /** Fewest rows of the table that agree in all the columns: its k. */
  readonly smallestClass: number;
}

/**
 * Links released rows to people by the columns that the attacker knows of both (quasi-identifiers).
 *
 * A high rate shows that a table is not anonymous. A low one shows only that this attack, with these columns, fails:
 * it is no proof.
 *
 * @param released - the table as it was published
 * @param known - what the attacker knows, from elsewhere
 * @param columns - that both have
 * @see L. Sweeney, "k-anonymity", 2002
 */
export function linkageAttack(
  released: readonly AttackedRow[],
  known: readonly KnownPerson[],
  columns: readonly string[],
): LinkageResult {
  if (columns.length === 0) throw new RangeError('"columns" expected at least one');
  const keyOf = (row: AttackedRow): string =>
    JSON.stringify(columns.map((column) => (Object.hasOwn(row, column) ? row[column] : null)));
  const classes = new Map<string, number[]>();
  released.forEach((row, i) => {
    const key = keyOf(row);
    const found = classes.get(key);
    if (found === undefined) classes.set(key, [i]);
    else found.push(i);
  });
  let people = 0;
  let unique = 0;
  let expected = 0;
  for (const { row, truth } of known) {
    if (truth === null) continue;
    people += 1;
    const matches = classes.get(keyOf(row)) ?? [];
    if (!matches.includes(truth)) continue;
    expected += 1 / matches.length;
    if (matches.length === 1) unique += 1;
  }
  return {
    people,
    unique,
    rate: people === 0 ? 0 : expected / people,
    smallestClass: [...classes.values()].reduce(
      (least, { length }) => (least === 0 ? length : Math.min(least, length)),
      0,
    ),
  };
}
