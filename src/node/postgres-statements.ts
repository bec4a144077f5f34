import type { ChainEntry } from '../core/hash-chain.ts';
import type { IdentityPage } from '../dp/budget/store.ts';

/** Bytes written by one statement; more are spread over several in the same transaction. */
const STATEMENT_BYTES = 8 << 20;

/** All that is said more than once, prepared on its first use. */
export interface Statements {
  readonly entries: string;
  readonly batch: string;
  readonly pages: string;
  readonly append: string;
  readonly snapshot: string;
  readonly newestSnapshot: string;
  readonly saveChunk: string;
  readonly dropSnapshots: string;
}

/** The statements on the tables of a schema. */
export function statementsIn(schema: string): Statements {
  return {
    // From the entry that is known on, without its body: it must still be there.
    entries: `select seq, case when seq > $2::bigint then body end, hash
      from ${schema}.log where budget = $1::integer and seq >= $2::bigint order by seq`,
    batch: `select seq, case when seq > $2::bigint then body end, hash
      from (
        select seq, body, hash, sum(octet_length(body)) over (order by seq) - octet_length(body) as ahead
        from ${schema}.log where budget = $1::integer and seq >= $2::bigint order by seq limit $4::integer
      ) as next
      where seq <= $2::bigint + 1 or ahead < $3::bigint order by seq`,
    pages: `select page, bytes from ${schema}.pages
      where budget = $1::integer and seq > $2::bigint order by page`,
    // One statement, so that no accident of the connection can part entries and pages.
    append: `with entries as (
        insert into ${schema}.log (budget, seq, body, hash)
        select $1::integer, $2::bigint + place - 1, body, hash
        from unnest($3::bytea[], $4::bytea[]) with ordinality as entry (body, hash, place)
      )
      insert into ${schema}.pages (budget, page, seq, bytes)
      select $1::integer, page, $5::bigint, bytes from unnest($6::integer[], $7::bytea[]) as p (page, bytes)
      on conflict (budget, page) do update set seq = excluded.seq, bytes = excluded.bytes`,
    snapshot: `select seq, bytes from ${schema}.snapshots
      where budget = $1::integer
        and seq = (select max(seq) from ${schema}.snapshots where budget = $1::integer)
      order by chunk`,
    newestSnapshot: `select max(seq) from ${schema}.snapshots where budget = $1::integer`,
    saveChunk: `insert into ${schema}.snapshots (budget, seq, chunk, bytes)
      values ($1::integer, $2::bigint, $3::integer, $4::bytea)`,
    dropSnapshots: `delete from ${schema}.snapshots where budget = $1::integer and seq < $2::bigint`,
  };
}

/** An array of bytes as PostgreSQL's text; the driver writes parameters as text only. */
function byteaArray(parts: readonly Uint8Array[]): string {
  const items = parts.map(
    ({ buffer, byteOffset, byteLength }) =>
      `\\\\x${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}`,
  );
  return `{${items.join(',')}}`;
}

/** What one statement writes. */
export interface Portion {
  readonly entries: readonly ChainEntry[];
  readonly pages: readonly IdentityPage[];
}

/** Entries and pages in portions of moderate size; nearly always a single one. */
export function portionsOf(
  entries: readonly ChainEntry[],
  pages: readonly IdentityPage[],
): readonly Portion[] {
  const portions: { entries: ChainEntry[]; pages: IdentityPage[] }[] = [];
  let room = 0;
  const portionFor = (bytes: number): { entries: ChainEntry[]; pages: IdentityPage[] } => {
    if (room < bytes || portions.length === 0) {
      portions.push({ entries: [], pages: [] });
      room = STATEMENT_BYTES;
    }
    room -= bytes;
    return portions.at(-1) as { entries: ChainEntry[]; pages: IdentityPage[] };
  };
  for (const entry of entries) portionFor(entry.body.length).entries.push(entry);
  for (const page of pages) portionFor(page.bytes.length).pages.push(page);
  return portions;
}

/** Values of {@link Statements.append}. */
export function appendValues(
  budget: number,
  { entries, pages }: Portion,
  stamp: number,
): readonly (string | number)[] {
  return [
    budget,
    entries[0]?.seq ?? 0,
    byteaArray(entries.map(({ body }) => body)),
    byteaArray(entries.map(({ hash }) => hash)),
    stamp,
    `{${pages.map(({ page }) => page).join(',')}}`,
    byteaArray(pages.map(({ bytes }) => bytes)),
  ];
}
