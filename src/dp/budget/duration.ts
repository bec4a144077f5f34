const PATTERN =
  /^P(?:(\d+)W|(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?)$/;
const WEEK = 604_800_000;
const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;
const SECOND = 1_000;
/** A thousand years: keeps every sum with a point in time an exact integer. */
const LONGEST = 366_000 * DAY;

/**
 * Milliseconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as `PT1H`.
 *
 * @returns null for anything else: months and years have no fixed length
 */
export function durationMilliseconds(duration: string): number | null {
  const match = PATTERN.exec(duration);
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? 0);
  const total =
    part(1) * WEEK +
    part(2) * DAY +
    part(3) * HOUR +
    part(4) * MINUTE +
    Math.round(part(5) * SECOND);
  return total <= LONGEST ? total : null;
}
