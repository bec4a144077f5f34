import type { DpEvent } from '../event.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { type ForeignEvent, parsePythonEvent } from './python-event.ts';
import { invalid, unsupported } from './refuse.ts';
import { validatePlan } from './validate.ts';

/** Terms of an imported plan; the other format does not hold them. */
export interface ImportTerms {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
}

type Translate = (event: ForeignEvent, path: string, terms: ImportTerms) => DpEvent;

function field(event: ForeignEvent, name: string, path: string): unknown {
  const value = event.fields[name];
  if (value === undefined) throw invalid(`${path}.${name}`, 'a value', value);
  return value;
}

function numberField(event: ForeignEvent, name: string, path: string): number {
  const value = field(event, name, path);
  if (typeof value !== 'number') throw invalid(`${path}.${name}`, 'a number', value);
  return value;
}

function eventField(event: ForeignEvent, path: string, terms: ImportTerms): DpEvent {
  return translate(field(event, 'event', path), `${path}.event`, terms);
}

/**
 * There a noise multiplier is over the norm of one record, here over the sensitivity: replacing a record
 * moves a sum by twice its norm.
 */
function multiplier(event: ForeignEvent, path: string, terms: ImportTerms): number {
  const value = numberField(event, 'noise_multiplier', path);
  return terms.relation === 'replace-one-user' ? value / 2 : value;
}

const TRANSLATIONS: Readonly<Record<string, Translate>> = {
  NonPrivateDpEvent: () => ({ kind: 'non-private' }),
  GaussianDpEvent: (event, path, terms) => gaussian(multiplier(event, path, terms)),
  LaplaceDpEvent: (event, path, terms) => {
    const noiseMultiplier = multiplier(event, path, terms);
    return noiseMultiplier === 0 ? { kind: 'non-private' } : { kind: 'laplace', noiseMultiplier };
  },
  RandomizedResponseDpEvent: (event, path) => {
    const probability = numberField(event, 'noise_parameter', path);
    const categories = numberField(event, 'num_buckets', path);
    return probability === 0
      ? { kind: 'non-private' }
      : { kind: 'randomized-response', probability, categories };
  },
  ExponentialMechanismDpEvent: (event, path) => ({
    kind: 'exponential',
    epsilon: numberField(event, 'epsilon', path),
  }),
  ZCDpEvent: (event, path) => {
    if ((event.fields['xi'] ?? 0) !== 0)
      throw unsupported(`${path}.xi`, 'only xi = 0 is known here');
    return { kind: 'zcdp', rho: numberField(event, 'rho', path) };
  },
  SelfComposedDpEvent: (event, path, terms) => ({
    kind: 'repeated',
    count: numberField(event, 'count', path),
    event: eventField(event, path, terms),
  }),
  ComposedDpEvent: (event, path, terms) => {
    const events = field(event, 'events', path);
    if (!Array.isArray(events)) throw invalid(`${path}.events`, 'a list', events);
    return {
      kind: 'composed',
      events: events
        .map((entry, i) => [entry, `${path}.events[${i}]`] as const)
        .filter(([entry]) => !isNoOp(entry))
        .map(([entry, at]) => translate(entry, at, terms)),
    };
  },
  PoissonSampledDpEvent: (event, path, terms) => ({
    kind: 'poisson-sampled',
    samplingRate: numberField(event, 'sampling_probability', path),
    event: eventField(event, path, terms),
  }),
  SampledWithoutReplacementDpEvent: (event, path, terms) => ({
    kind: 'fixed-size-sampled',
    sampleSize: numberField(event, 'sample_size', path),
    populationSize: numberField(event, 'source_dataset_size', path),
    event: eventField(event, path, terms),
  }),
};

function gaussian(noiseMultiplier: number): DpEvent {
  return noiseMultiplier === 0 ? { kind: 'non-private' } : { kind: 'gaussian', noiseMultiplier };
}

function isNoOp(value: unknown): boolean {
  return isForeign(value) && value.className === 'NoOpDpEvent';
}

function isForeign(value: unknown): value is ForeignEvent {
  return typeof value === 'object' && value !== null && 'className' in value;
}

function translate(value: unknown, path: string, terms: ImportTerms): DpEvent {
  if (!isForeign(value)) throw invalid(path, 'an event', value);
  const known = Object.hasOwn(TRANSLATIONS, value.className)
    ? TRANSLATIONS[value.className]
    : undefined;
  if (known === undefined) throw unsupported(path, `${value.className} has no counterpart here`);
  return known(value, path, terms);
}

/**
 * Reads an event tree of Google's dp_accounting as Python prints it, such as
 * `SelfComposedDpEvent(event=GaussianDpEvent(noise_multiplier=1.0), count=100)`, or as its named tuple.
 *
 * @throws {VelaturaError} `dp/unsupported-event` for events without a counterpart,
 * `dp/invalid-parameter` for text that is not such a tree; each with the path
 */
export function importDpAccounting(text: string, terms: ImportTerms): Plan {
  return validatePlan({
    unit: terms.unit,
    relation: terms.relation,
    event: translate(parsePythonEvent(text), 'event', terms),
  });
}
