/** A daily span in which a scene does not personalise and sends nothing of its own accord. */
export interface QuietHours {
  /** `HH:MM`, 00:00 to 23:59, on the person's clock. */
  readonly from: string;
  /** `HH:MM`; at or before `from` it is of the next day. */
  readonly to: string;
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;
const DAY_MINUTES = 24 * 60;

/**
 * True when a moment falls into the quiet hours; `from` does, `to` does not. Equal times mean the whole day.
 *
 * @param at - milliseconds since 1970-01-01T00:00Z
 * @param utcOffsetMinutes - of the person's clock, such as 480 in Shanghai
 */
export function isQuiet(hours: QuietHours, at: number, utcOffsetMinutes: number): boolean {
  if (!Number.isFinite(at)) throw new RangeError(`"at" expected milliseconds, got ${at}`);
  if (!Number.isInteger(utcOffsetMinutes) || Math.abs(utcOffsetMinutes) > 14 * 60) {
    throw new RangeError(
      `"utcOffsetMinutes" expected an integer in [-840, 840], got ${utcOffsetMinutes}`,
    );
  }
  const from = minutesOf('from', hours.from);
  const to = minutesOf('to', hours.to);
  const passed = Math.floor(at / 60_000) + utcOffsetMinutes;
  const now = ((passed % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  return from < to ? now >= from && now < to : now >= from || now < to;
}

function minutesOf(name: string, time: string): number {
  const [, hours, minutes] = TIME.exec(time) ?? [];
  if (hours === undefined) throw new RangeError(`"${name}" expected HH:MM, got "${time}"`);
  return 60 * Number(hours) + Number(minutes);
}
