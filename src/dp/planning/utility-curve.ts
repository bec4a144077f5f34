import { VelaturaError } from '../../core/errors.ts';

/** A measured utility, such as a ranking metric, at an epsilon. */
export interface UtilityPoint {
  /** At least 0. */
  readonly epsilon: number;
  readonly value: number;
}

/** Measured points of each scene, in any order. */
export type UtilityCurves = Readonly<Record<string, readonly UtilityPoint[]>>;

/** A measured point that does not lie on the curve through the others. */
export interface LiftedPoint {
  readonly epsilon: number;
  readonly measured: number;
  /** The value the curve takes there. */
  readonly taken: number;
}

/** A piecewise linear curve, concave and rising, flat from the last knot on. */
export interface ConcaveCurve {
  /** From epsilon 0 upwards; slopes between them fall strictly and are positive. */
  readonly knots: readonly UtilityPoint[];
  readonly lifted: readonly LiftedPoint[];
}

function invalidPoint(scene: string, point: number | null, message: string): VelaturaError {
  const where = point === null ? `curve of "${scene}"` : `curve of "${scene}", point ${point}`;
  return new VelaturaError('data/invalid-value', `${where}: ${message}`, { scene, point });
}

/** Beyond these, slopes would overflow. */
function isUsual(size: number): boolean {
  return size >= 1e-9 && size <= 1e9;
}

/**
 * Checks the points of one scene, such as those read from JSON.
 *
 * @param points - anything
 * @throws {VelaturaError} `data/invalid-value`, `data/empty` with the scene and the number of the point
 */
export function validateUtilityPoints(scene: string, points: unknown): readonly UtilityPoint[] {
  if (!Array.isArray(points)) throw invalidPoint(scene, null, 'expected a list of points');
  if (points.length === 0) {
    throw new VelaturaError('data/empty', `curve of "${scene}": expected at least one point`, {
      scene,
    });
  }
  const seen = new Set<number>();
  points.forEach((point: unknown, i) => {
    const { epsilon, value } = Object(point) as Partial<Record<string, unknown>>;
    if (!(typeof epsilon === 'number' && (epsilon === 0 || isUsual(epsilon)))) {
      throw invalidPoint(scene, i, '"epsilon" expected 0 or a number in [1e-9, 1e9]');
    }
    if (!(typeof value === 'number' && (value === 0 || isUsual(Math.abs(value))))) {
      throw invalidPoint(scene, i, '"value" expected 0 or a number of size 1e-9 to 1e9');
    }
    if (seen.has(epsilon)) throw invalidPoint(scene, i, `epsilon ${epsilon} is there twice`);
    seen.add(epsilon);
  });
  return points as readonly UtilityPoint[];
}

/**
 * The least concave, never falling curve above the points, linear between them and flat after the last.
 * A scene without any budget releases nothing: it is worth 0 unless a point at epsilon 0 says otherwise.
 * Points below the curve are measurement noise and are reported as lifted.
 *
 * Its slopes are the least-squares fit of falling slopes to the measured ones, each weighed by the width
 * of its interval (Robertson, Wright & Dykstra, Order Restricted Statistical Inference, 1988, theorem
 * 1.2.1).
 *
 * @throws {VelaturaError} `data/invalid-value` when the first point is below the value of no release
 */
export function fitConcaveCurve(scene: string, points: readonly UtilityPoint[]): ConcaveCurve {
  const sorted = [...points].sort((a, b) => a.epsilon - b.epsilon);
  const [first] = sorted as [UtilityPoint, ...UtilityPoint[]];
  if (first.epsilon > 0) {
    if (first.value < 0) {
      throw invalidPoint(
        scene,
        points.indexOf(first),
        'a value below 0 needs a point at epsilon 0: no release is worth 0 otherwise',
      );
    }
    sorted.unshift({ epsilon: 0, value: 0 });
  }
  const hull: UtilityPoint[] = [];
  for (const point of sorted) {
    while (hull.length >= 2 && !turnsDown(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    hull.push(point);
  }
  // What comes after the highest value would fall.
  while (hull.length >= 2 && hull.at(-1)!.value <= hull.at(-2)!.value) hull.pop();
  const curve = { knots: hull, lifted: [] };
  const lifted = sorted
    .map(({ epsilon, value }) => ({ epsilon, measured: value, taken: valueAt(curve, epsilon) }))
    .filter(({ measured, taken }) => measured < taken);
  return { knots: hull, lifted };
}

/** True when the slope from b to c is less than that from a to b. */
function turnsDown(a: UtilityPoint, b: UtilityPoint, c: UtilityPoint): boolean {
  return (
    (c.value - b.value) * (b.epsilon - a.epsilon) < (b.value - a.value) * (c.epsilon - b.epsilon)
  );
}

/** The utility at an epsilon. */
export function valueAt({ knots }: Pick<ConcaveCurve, 'knots'>, epsilon: number): number {
  const after = knots.findIndex((knot) => knot.epsilon > epsilon);
  if (after === -1) return knots.at(-1)!.value;
  const right = knots[after] as UtilityPoint;
  // Epsilon is at least 0, where the first knot is.
  const left = knots[after - 1] as UtilityPoint;
  if (left.epsilon === epsilon) return left.value;
  return left.value + slope(left, right) * (epsilon - left.epsilon);
}

/** What a little more epsilon adds, for each unit of it; 0 from the last knot on. */
export function slopeAfter({ knots }: Pick<ConcaveCurve, 'knots'>, epsilon: number): number {
  const after = knots.findIndex((knot) => knot.epsilon > epsilon);
  if (after === -1) return 0;
  return slope(knots[after - 1] as UtilityPoint, knots[after] as UtilityPoint);
}

/** The slope between two knots. */
export function slope(left: UtilityPoint, right: UtilityPoint): number {
  return (right.value - left.value) / (right.epsilon - left.epsilon);
}
