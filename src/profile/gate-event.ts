import type { ProfileEvent } from './event.ts';
import { MAX_NAME_LENGTH } from './names.ts';
import type { ValueRange } from './schema.ts';

/** What may be offered to a gate: an event, with the place where it happened for kinds that may carry it. */
export interface OfferedEvent extends ProfileEvent {
  /** In degrees, −90 to 90. */
  readonly latitude?: number;
  /** In degrees, −180 to 180. */
  readonly longitude?: number;
}

/** Text of a person, such as a comment, offered to be counted and forgotten. */
export interface OfferedText {
  readonly user: string;
  readonly time: number;
  readonly scene: string;
  readonly kind: string;
  readonly text: string;
}

/** A place on Earth, in degrees. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** What leaves a gate: the six fields of an event and, from a de-identifying gate, a coarse place. */
export interface CollectedEvent extends ProfileEvent {
  /** Cell of a grid, such as `48.5,9.0`: its south-west corner. */
  readonly place?: string;
}

/** What `read` makes of an object; null for one that answers with an error, as a hostile getter does. */
function readSafely<T, R>(object: T, read: (object: T) => R | null): R | null {
  if (typeof object !== 'object' || object === null) return null;
  try {
    return read(object);
  } catch {
    return null;
  }
}

/** The fields of an event, each read once, or null for what is not one. */
export function copyEvent(event: OfferedEvent): ProfileEvent | null {
  return readSafely(event, eventFields);
}

/** The fields of an offered text, each read once, or null for what is none. */
export function copyText(offered: OfferedText): OfferedText | null {
  return readSafely(offered, textFields);
}

/** Where an event happened, each coordinate read once; null for no place on Earth. */
export function copyPlace(event: OfferedEvent): Place | null {
  return readSafely(event, placeFields);
}

function eventFields(event: OfferedEvent): ProfileEvent | null {
  const { user, time, scene, kind, tag, value } = event;
  const wellFormed =
    typeof user === 'string' &&
    Number.isSafeInteger(time) &&
    isShort(scene) &&
    isShort(kind) &&
    isShort(tag) &&
    Number.isFinite(value) &&
    value >= 0;
  return wellFormed ? { user, time, scene, kind, tag, value } : null;
}

function textFields(offered: OfferedText): OfferedText | null {
  const { user, time, scene, kind, text } = offered;
  const wellFormed =
    typeof user === 'string' &&
    Number.isSafeInteger(time) &&
    isShort(scene) &&
    isShort(kind) &&
    typeof text === 'string';
  return wellFormed ? { user, time, scene, kind, text } : null;
}

function placeFields({ latitude, longitude }: OfferedEvent): Place | null {
  const within = (degrees: unknown, bound: number): degrees is number =>
    typeof degrees === 'number' && degrees >= -bound && degrees <= bound;
  return within(latitude, 90) && within(longitude, 180) ? { latitude, longitude } : null;
}

/** A value at the resolution and within the range that its kind declares. */
export function coarseValue(value: number, range: ValueRange | null): number {
  if (range === null) return value;
  const { max, step } = range;
  // A whole number of steps may come out a hair short: 0.3 / 0.1 is 2.9999….
  return Math.floor(Math.min(value, max) / step + 1e-9) * step;
}

/** Keeps huge strings away from the hash tables. */
function isShort(name: unknown): boolean {
  return typeof name === 'string' && name.length <= MAX_NAME_LENGTH;
}
