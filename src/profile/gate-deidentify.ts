import type { ProfileEvent } from './event.ts';
import type { CollectedEvent, Place } from './gate-event.ts';

/** How a gate makes events coarse before they leave the device or the edge box. */
export interface DeIdentification {
  /**
   * Name under which a scene knows an account at a time: keyed and rotating, such as
   * `(account, scene, at) => names.get(scene).of(account, at).read(scene)` with `ScenePseudonyms`.
   */
  readonly pseudonym: (account: string, scene: string, at: number) => string;
  /** Times are cut to whole multiples of this; at least a minute. */
  readonly timeStepMs: number;
  /** Size of a cell of the place grid, at least 0.1 degrees (11 km). Without it no place passes. */
  readonly placeStepDegrees?: number;
  /**
   * Whether a value is common enough to be passed on: on one's own device by a public list, on an edge box
   * by {@link RareValues}.
   */
  readonly isCommon: (value: RareCandidate) => boolean;
}

/** A value that might point to one person by being rare. */
export interface RareCandidate {
  /** The account, not the pseudonym: one person must not pass for several. */
  readonly person: string;
  readonly scene: string;
  readonly field: 'tag' | 'place';
  readonly value: string;
}

const MINIMUM_TIME_STEP_MS = 60_000;
const MINIMUM_PLACE_STEP = 0.1;

/**
 * Makes admitted events of one account coarse: name, time and place, and drops what is rare.
 *
 * ## Privacy
 * De-identification is no anonymity: what is left can still be linked by content. It limits what a reader of
 * the stream sees by chance; the guarantee against one who tries comes from the privacy budget.
 */
export class DeIdentifier {
  readonly #options: DeIdentification;
  /** Scene → the last name asked for: names are keyed hashes, and events of one step share theirs. */
  readonly #names = new Map<string, { readonly time: number; readonly name: string }>();

  /** @throws RangeError for steps that are too fine */
  constructor(options: DeIdentification) {
    const { timeStepMs, placeStepDegrees = MINIMUM_PLACE_STEP } = options;
    if (!Number.isSafeInteger(timeStepMs) || timeStepMs < MINIMUM_TIME_STEP_MS) {
      throw new RangeError(
        `"timeStepMs" expected an integer of at least ${MINIMUM_TIME_STEP_MS}, got ${timeStepMs}`,
      );
    }
    if (!(placeStepDegrees >= MINIMUM_PLACE_STEP && placeStepDegrees <= 90)) {
      throw new RangeError(
        `"placeStepDegrees" expected a number in [${MINIMUM_PLACE_STEP}, 90], got ${placeStepDegrees}`,
      );
    }
    this.#options = { ...options };
  }

  /** The coarse event; null when its tag is rare. A rare or impossible place is left out. */
  apply(event: ProfileEvent, where: Place | null): CollectedEvent | null {
    const { isCommon, timeStepMs } = this.#options;
    const { user: person, scene, kind, tag, value } = event;
    if (!isCommon({ person, scene, field: 'tag', value: tag })) return null;
    const time = Math.floor(event.time / timeStepMs) * timeStepMs;
    const coarse = { user: this.#name(person, scene, time), time, scene, kind, tag, value };
    const place = where === null ? null : this.#cell(where);
    const shown = place !== null && isCommon({ person, scene, field: 'place', value: place });
    return shown ? { ...coarse, place } : coarse;
  }

  /** The cell of the grid in which a place lies; null where there is no grid. */
  #cell({ latitude, longitude }: Place): string | null {
    const step = this.#options.placeStepDegrees;
    if (step === undefined) return null;
    const corner = (degrees: number): string =>
      // −0 and 0 are one corner.
      (Math.floor(degrees / step) * step + 0).toFixed(3);
    return `${corner(latitude)},${corner(longitude)}`;
  }

  #name(person: string, scene: string, time: number): string {
    const last = this.#names.get(scene);
    if (last !== undefined && last.time === time) return last.name;
    const name = this.#options.pseudonym(person, scene, time);
    this.#names.set(scene, { time, name });
    return name;
  }
}

/** More different values of a field than this are not told apart: the later ones count as rare. */
const MAX_VALUES = 65_536;
/** Rare values of a field that wait for others because of one person; beyond, that person's own stay rare. */
const MAX_WAITING = 256;

/** What was shown in one field. */
interface ShownValues {
  /** Value → the persons seen so far, the first one first; null once there were enough. */
  readonly persons: Map<string, Set<string> | null>;
  /** Person → values that wait because this person was the first to show them. */
  readonly waiting: Map<string, number>;
}

/**
 * Calls a value of a scene common once a number of different persons have shown it; before, it is rare. For
 * an edge box, where the events of many pass. Make a new one for each epoch: what was common need not stay so.
 *
 * ## Privacy
 * A threshold, not differential privacy: somebody who sees the moment at which a value becomes common and
 * knows all other persons learns about the last one.
 */
export class RareValues {
  readonly #minimumPersons: number;
  /** By field, so that places, which are many, never crowd out tags. */
  readonly #fields: Readonly<Record<RareCandidate['field'], ShownValues>> = {
    tag: { persons: new Map(), waiting: new Map() },
    place: { persons: new Map(), waiting: new Map() },
  };

  /** @param minimumPersons - at least 2 */
  constructor(minimumPersons: number) {
    if (!Number.isSafeInteger(minimumPersons) || minimumPersons < 2) {
      throw new RangeError(
        `"minimumPersons" expected an integer of at least 2, got ${minimumPersons}`,
      );
    }
    this.#minimumPersons = minimumPersons;
  }

  /** Notes that a person showed a value; true when enough others, or the same long ago, did too. */
  readonly isCommon = (candidate: RareCandidate): boolean => {
    const { person, scene, field, value } = candidate;
    const shown = this.#fields[field];
    // A scene holds no NUL: it is a declared name.
    const key = `${scene}\0${value}`;
    let persons = shown.persons.get(key);
    if (persons === null) return true;
    if (persons === undefined) {
      const waiting = shown.waiting.get(person) ?? 0;
      if (shown.persons.size >= MAX_VALUES || waiting >= MAX_WAITING) return false;
      shown.waiting.set(person, waiting + 1);
      persons = new Set();
      shown.persons.set(key, persons);
    }
    persons.add(person);
    if (persons.size < this.#minimumPersons) return false;
    const [first] = persons as ReadonlySet<string>;
    shown.waiting.set(first as string, (shown.waiting.get(first as string) as number) - 1);
    // Who they were is not needed any more.
    shown.persons.set(key, null);
    return true;
  };
}
