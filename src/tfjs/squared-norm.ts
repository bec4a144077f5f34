/** Numbers that are added one after the other. */
const STRETCH = 1_024;

/**
 * Squared l2 norm in float64, with a relative error under 2⁻³¹ for up to 2³¹ numbers: clipping assumes 2⁻³⁰, which a sum one after the other keeps for 2²⁰ numbers only. Here a number meets at most 1,024
 * additions in its stretch, and one for each stretch.
 *
 * Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), §4.2.
 */
export function squaredNorm(values: Float32Array): number {
  let sum = 0;
  for (let start = 0; start < values.length; start += STRETCH) {
    const end = Math.min(start + STRETCH, values.length);
    let part = 0;
    for (let i = start; i < end; i++) part += (values[i] as number) ** 2;
    sum += part;
  }
  return sum;
}
