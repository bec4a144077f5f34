import * as v from 'valibot';
import { isName, MAX_NAME_LENGTH } from './names.ts';
import { endOfDay, parsePeriod } from './period.ts';
import {
  ADVERTISING_MODES,
  LEGAL_BASES,
  OBLIGATIONS,
  OVERDUE_REVIEW_POLICIES,
  PARTY_ROLES,
  PARTY_TYPES,
  PURPOSES,
  RISK_LEVELS,
} from './schema.ts';
import { dictionary, issuePath } from './shapes.ts';

const NAME = `expected a name: letters, digits, ".", "_" and "-", at most ${MAX_NAME_LENGTH}`;
const PERIOD = 'expected a period such as P90D or P2Y';
const DAY = 'expected a day such as 2027-05-31';

const name = v.pipe(
  v.string(NAME),
  v.check((text) => isName(text), NAME),
);
const period = v.pipe(
  v.string(PERIOD),
  v.check((text) => parsePeriod(text) !== null, PERIOD),
);
const day = v.pipe(
  v.string(DAY),
  v.check((text) => endOfDay(text) !== null, DAY),
);

function oneOf<const T extends readonly string[]>(options: T) {
  return v.picklist(options, `expected one of: ${options.join(', ')}`);
}

const purpose = v.picklist(
  PURPOSES,
  `expected one of: ${PURPOSES.join(', ')}; a catch-all purpose such as "improve-the-service" cannot be declared`,
);

/** A list without repeats. */
function distinct<T extends v.GenericSchema>(item: T, minimum: number) {
  return v.pipe(
    v.array(item, 'expected a list'),
    v.minLength(minimum, `expected a list of at least ${minimum}`),
    v.check((list) => new Set(list).size === list.length, 'expected a list without repeats'),
  );
}

const scene = v.strictObject({
  riskLevel: oneOf(RISK_LEVELS),
  advertising: oneOf(ADVERTISING_MODES),
});

const flow = v.strictObject({
  from: name,
  to: name,
  purposes: distinct(purpose, 1),
  tags: distinct(name, 1),
  controller: name,
  recipients: distinct(name, 0),
});

const positive = v.pipe(
  v.number('expected a number'),
  v.gtValue(0, 'expected a number above 0'),
  v.maxValue(Number.MAX_SAFE_INTEGER, 'expected at most 2^53 - 1'),
);

const collected = {
  source: v.literal(
    'first-party',
    'expected "first-party"; data that was bought, fingerprinted or taken by an SDK cannot be declared',
  ),
  purposes: distinct(purpose, 1),
  retention: period,
  reviewBy: day,
  reviewedOn: v.optional(day),
  controller: name,
  recipients: distinct(name, 0),
  value: v.optional(v.strictObject({ max: positive, step: positive })),
  derivedFrom: v.optional(oneOf(['text'])),
  place: v.optional(oneOf(['coarse'])),
};

// The legal basis is checked per tier: consent cannot stand in for explicit consent, nor a contract for both.
const kind = v.variant('tier', [
  v.strictObject({
    tier: v.literal('essential'),
    legalBasis: oneOf(LEGAL_BASES.essential),
    ...collected,
  }),
  v.strictObject({
    tier: v.literal('enhanced'),
    legalBasis: oneOf(LEGAL_BASES.enhanced),
    ...collected,
  }),
  v.strictObject({
    tier: v.literal('restricted'),
    legalBasis: oneOf(LEGAL_BASES.restricted),
    ...collected,
  }),
  v.strictObject({ tier: v.literal('prohibited') }),
]);

const tag = v.strictObject({
  kind: oneOf(['descriptive', 'predictive']),
  values: v.optional(distinct(name, 2)),
  from: distinct(name, 1),
  scenes: distinct(name, 1),
  purposes: distinct(purpose, 1),
  retention: period,
  sensitivity: oneOf(['normal', 'sensitive']),
  reviewBy: day,
  reviewedOn: v.optional(day),
});

const riskRule = v.strictObject({
  kinds: distinct(name, 1),
  scenes: distinct(name, 1),
  tier: v.optional(oneOf(['enhanced', 'restricted', 'prohibited'])),
  obligations: distinct(oneOf(OBLIGATIONS), 0),
  assessedOn: v.optional(day),
});

const combination = v.strictObject({
  tags: distinct(name, 2),
  reveals: v.pipe(v.string(), v.nonEmpty('expected what the tags reveal together, in words')),
  action: oneOf(['refuse']),
});

const schemaShape = v.strictObject({
  version: v.literal(1),
  $schema: v.optional(v.string('expected an address')),
  parties: dictionary(
    name,
    v.strictObject({
      role: oneOf(PARTY_ROLES),
      type: v.optional(oneOf(PARTY_TYPES)),
      abroad: v.optional(v.boolean('expected true or false')),
    }),
  ),
  purposes: distinct(purpose, 1),
  scenes: dictionary(name, scene),
  flows: v.array(flow, 'expected a list'),
  kinds: dictionary(name, kind),
  tags: dictionary(name, tag),
  sensitiveCombinations: v.array(combination, 'expected a list'),
  riskRules: v.optional(v.array(riskRule, 'expected a list')),
  overdueReview: v.optional(oneOf(OVERDUE_REVIEW_POLICIES)),
});

/** Where a value departs from the shape of a profile schema, and how. */
export interface ShapeProblem {
  readonly path: string;
  readonly message: string;
}

/** First departure from the shape of a profile schema; null when there is none. References are not checked. */
export function findShapeProblem(json: unknown): ShapeProblem | null {
  const result = v.safeParse(schemaShape, json, { abortEarly: true });
  if (result.success) return null;
  const [issue] = result.issues;
  return { path: issuePath(issue), message: issue.message };
}
