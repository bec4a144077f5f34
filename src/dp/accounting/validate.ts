import { type DpEvent, EVENT_KINDS, type SelectionRuns } from '../event.ts';
import { NEIGHBOUR_RELATIONS, type Plan, PRIVACY_UNITS } from '../plan.ts';
import { invalid, unsupported } from './refuse.ts';

/** Deeper trees than this are not plans but attacks on the stack. */
const MAX_DEPTH = 64;
/** Least normal double: costs of subnormal parameters would round to nothing or to infinity. */
const MIN_NORMAL = 2 ** -1022;

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown, path: string, depth: number) => void;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const positive: Check = (value, path) => {
  if (!(typeof value === 'number' && value >= MIN_NORMAL && value < Number.POSITIVE_INFINITY)) {
    throw invalid(path, 'a positive finite number', value);
  }
};

const rate: Check = (value, path) => {
  if (!(typeof value === 'number' && value >= MIN_NORMAL && value <= 1)) {
    throw invalid(path, 'a number in (0, 1]', value);
  }
};

const count: Check = (value, path) => {
  if (!(Number.isSafeInteger(value) && (value as number) >= 1)) {
    throw invalid(path, 'a positive integer', value);
  }
};

const categories: Check = (value, path) => {
  if (!(Number.isSafeInteger(value) && (value as number) >= 2)) {
    throw invalid(path, 'an integer of at least 2', value);
  }
};

const optionalCount: Check = (value, path, depth) => {
  if (value !== undefined) count(value, path, depth);
};

const events: Check = (value, path, depth) => {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(path, 'a list of at least one event', value);
  }
  value.forEach((entry, i) => {
    checkEvent(entry, `${path}[${i}]`, depth + 1);
  });
};

const strategy: Check = (value, path) => {
  if (!isFields(value)) throw invalid(path, 'a correlation strategy', value);
  if (value['kind'] !== 'banded-toeplitz') {
    throw unsupported(`${path}.kind`, 'unknown correlation strategy');
  }
  refuseUnknownFields(value, ['kind', 'coefficients'], path);
  const coefficients = value['coefficients'];
  if (!Array.isArray(coefficients) || coefficients.length === 0) {
    throw invalid(`${path}.coefficients`, 'a list of at least one number', coefficients);
  }
  coefficients.forEach((c, i) => {
    if (!Number.isFinite(c)) throw invalid(`${path}.coefficients[${i}]`, 'a finite number', c);
  });
  // The matrix must be invertible, or its inverse cannot correlate any noise.
  if (coefficients[0] === 0) throw invalid(`${path}.coefficients[0]`, 'a number other than 0', 0);
};

const within =
  (least: number, largest: number): Check =>
  (value, path) => {
    if (!(typeof value === 'number' && value >= least && value <= largest)) {
      throw invalid(path, `a number in [${least}, ${largest}]`, value);
    }
  };

/** Of the shape: so near −1 that the law would lose its tail. */
const LEAST_SHAPE = -1 + 2 ** -20;
const LEAST_STOP = 2 ** -20;

/** What each law of a number of runs holds besides `kind`. */
const RUNS: Readonly<Record<SelectionRuns['kind'], Readonly<Record<string, Check>>>> = {
  'truncated-negative-binomial': {
    shape: within(LEAST_SHAPE, 1),
    stop: within(LEAST_STOP, 1 - LEAST_STOP),
  },
  // Under one run expected, the bound would have to reckon with none at all.
  poisson: { mean: within(1, 2 ** 20) },
};

const runs: Check = (value, path, depth) => {
  if (!isFields(value)) throw invalid(path, 'a law of the number of runs', value);
  const kind = value['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(RUNS, kind)) {
    throw unsupported(`${path}.kind`, 'unknown law of the number of runs');
  }
  const fields = RUNS[kind as SelectionRuns['kind']];
  refuseUnknownFields(value, ['kind', ...Object.keys(fields)], path);
  for (const [name, check] of Object.entries(fields)) check(value[name], `${path}.${name}`, depth);
};

/** What each kind holds besides `kind`; nothing else may be in an event. */
const FIELDS: Readonly<Record<DpEvent['kind'], Readonly<Record<string, Check>>>> = {
  gaussian: { noiseMultiplier: positive },
  laplace: { noiseMultiplier: positive },
  'discrete-gaussian': { sigma: positive, l2Sensitivity: positive, dimension: optionalCount },
  'discrete-laplace': { parameter: positive, sensitivity: positive },
  skellam: {
    mu: positive,
    l1Sensitivity: positive,
    l2Sensitivity: positive,
    dimension: optionalCount,
  },
  exponential: { epsilon: positive },
  'randomized-response': { probability: rate, categories },
  zcdp: { rho: positive },
  'poisson-sampled': { samplingRate: rate, event: checkEvent },
  'fixed-size-sampled': { sampleSize: count, populationSize: count, event: checkEvent },
  repeated: { count, event: checkEvent },
  composed: { events },
  'correlated-gaussian': {
    noiseMultiplier: positive,
    participations: count,
    minSeparation: count,
    strategy,
  },
  'repeat-and-select': { runs, event: checkEvent },
  'non-private': {},
};

function refuseUnknownFields(value: Fields, known: readonly string[], path: string): void {
  for (const name of Object.keys(value)) {
    // A field we do not know may change the price, so it is never passed over.
    if (!known.includes(name)) throw invalid(`${path}.${name}`, 'no such field', value[name]);
  }
}

function checkEvent(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(path, `at most ${MAX_DEPTH} levels`, depth);
  if (!isFields(value)) throw invalid(path, 'an event', value);
  const kind = value['kind'];
  if (typeof kind !== 'string') throw invalid(`${path}.kind`, 'the name of an event', kind);
  if (!(EVENT_KINDS as readonly string[]).includes(kind)) {
    throw unsupported(`${path}.kind`, `unknown kind of event "${kind.slice(0, 40)}"`);
  }
  const fields = FIELDS[kind as DpEvent['kind']];
  refuseUnknownFields(value, ['kind', ...Object.keys(fields)], path);
  for (const [name, check] of Object.entries(fields)) {
    check(value[name], `${path}.${name}`, depth + 1);
  }
  if (kind === 'fixed-size-sampled') {
    const { sampleSize, populationSize } = value as { sampleSize: number; populationSize: number };
    if (sampleSize > populationSize) {
      throw invalid(`${path}.sampleSize`, `at most populationSize ${populationSize}`, sampleSize);
    }
  }
}

/**
 * Checks an event, such as one read from JSON, node by node.
 *
 * @param event - anything
 * @param path - what error messages call it
 * @returns the same object, now known to be well formed
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` with the path of the node
 */
export function validateEvent(event: unknown, path = 'event'): DpEvent {
  checkEvent(event, path, 0);
  return event as DpEvent;
}

/**
 * Checks the law of a number of runs.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function validateSelectionRuns(value: unknown, path = 'runs'): SelectionRuns {
  runs(value, path, 0);
  return value as SelectionRuns;
}

/**
 * Checks a plan, such as one read from JSON: unit, relation and every node of the event tree.
 *
 * @param plan - anything
 * @returns the same object, now known to be well formed
 * @throws {VelaturaError} `dp/invalid-parameter` for a missing, unknown or out-of-range field,
 * `dp/unsupported-event` for an unknown kind, unit or relation; each with the path in the tree
 */
export function validatePlan(plan: unknown): Plan {
  if (!isFields(plan)) throw invalid('plan', 'a plan', plan);
  for (const [name, known] of [
    ['unit', PRIVACY_UNITS],
    ['relation', NEIGHBOUR_RELATIONS],
  ] as const) {
    const value = plan[name];
    if (typeof value !== 'string') throw invalid(name, `one of ${known.join(', ')}`, value);
    if (!(known as readonly string[]).includes(value)) {
      throw unsupported(name, `unknown ${name} "${value.slice(0, 40)}"`);
    }
  }
  validateEvent(plan['event']);
  return plan as unknown as Plan;
}
