import * as v from 'valibot';
import { NEIGHBOUR_RELATIONS, PRIVACY_UNITS } from '../../dp/plan.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import { invalidFile } from './tensor.ts';

const texts = v.array(v.string());
const epsilon = v.pipe(v.number(), v.finite(), v.minValue(0));

const STATEMENT = v.strictObject({
  unit: v.picklist(PRIVACY_UNITS),
  relation: v.picklist(NEIGHBOUR_RELATIONS),
  epsilon: v.nullable(
    v.pipe(
      v.strictObject({ lower: v.nullable(epsilon), upper: epsilon }),
      v.check(({ lower, upper }) => lower === null || lower <= upper),
    ),
  ),
  delta: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  accountant: v.picklist(['pld', 'rdp', 'zcdp', 'gdp', 'none']),
  trustModel: v.strictObject({
    server: v.string(),
    otherClients: v.string(),
    modelReaders: v.string(),
  }),
  sybilAssumption: v.string(),
  bounds: texts,
  sideChannelsNotCovered: texts,
  insecure: v.boolean(),
  simulation: v.nullable(v.string()),
  warnings: texts,
});

/** What a reader sees first of a model file, before any number. */
export type PrivacyLabel = 'differentially-private' | 'non-private' | 'insecure-noise';

/** The label that a statement earns: a model without epsilon, or with noise that repeats, never looks private. */
export function privacyLabel(statement: PrivacyStatement): PrivacyLabel {
  if (statement.epsilon === null) return 'non-private';
  return statement.insecure ? 'insecure-noise' : 'differentially-private';
}

/**
 * Checks that a value is a whole privacy statement that does not contradict itself.
 *
 * @throws {VelaturaError} `federated/invalid-model-file` with the path of what is wrong
 */
export function checkStatement(value: unknown): PrivacyStatement {
  const result = v.safeParse(STATEMENT, value);
  if (!result.success) {
    const path = result.issues[0].path?.map(({ key }) => String(key)).join('.') ?? '';
    throw invalidFile(`the privacy statement expected another value at "${path.slice(0, 60)}"`);
  }
  const statement = result.output;
  if ((statement.epsilon === null) !== (statement.accountant === 'none')) {
    throw invalidFile(
      'the privacy statement expected an accountant exactly where it has an epsilon',
    );
  }
  return statement;
}
