const DAY_MS = 86_400_000;
const PERIOD = /^P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/**
 * Length of an ISO 8601 period such as `P90D` or `P2Y`, in milliseconds; null when it is not one or is empty.
 *
 * A year counts 365 days and a month 28, the shortest they can be, so that nothing is kept too long.
 */
export function parsePeriod(text: string): number | null {
  const match = text.length <= 24 ? PERIOD.exec(text) : null;
  if (match === null) return null;
  const [years, months, weeks, days] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const total = years * 365 + months * 28 + weeks * 7 + days;
  return total === 0 ? null : total * DAY_MS;
}

/** First millisecond after a day such as `2027-05-31` in UTC; null when there is no such day. */
export function endOfDay(text: string): number | null {
  const match = text.length === 10 ? DATE.exec(text) : null;
  if (match === null) return null;
  const start = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return new Date(start).toISOString().slice(0, 10) === text ? start + DAY_MS : null;
}

/** Last day of the half year that begins on a day, such as 2027-02-28 for 2026-08-31; null for no day. */
export function halfYearAfter(text: string): string | null {
  if (endOfDay(text) === null) return null;
  const [year, month, day] = text.split('-').map(Number) as [number, number, number];
  // The month may be shorter: then its last day.
  const last = new Date(Date.UTC(year, month + 6, 0)).getUTCDate();
  return new Date(Date.UTC(year, month + 5, Math.min(day, last))).toISOString().slice(0, 10);
}
