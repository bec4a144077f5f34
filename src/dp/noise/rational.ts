/** An exact fraction; the denominator is positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** A positive finite double as what it exactly is: mantissa · 2^exponent. */
export interface Dyadic {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/**
 * The exact value of a positive finite double as an integer mantissa and a power of two.
 *
 * @param value - a finite double > 0
 */
export function dyadicOf(value: number): Dyadic {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`"value" expected a positive finite number, got ${value}`);
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const field = Number(bits >> 52n);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  // Subnormals (field 0) have the exponent of field 1 and no hidden bit.
  return field === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: field - 1075 };
}

/**
 * The exact value of a positive finite double as a fraction in lowest terms.
 *
 * @param value - a finite double > 0
 */
export function rationalOf(value: number): Rational {
  let { mantissa, exponent } = dyadicOf(value);
  for (; (mantissa & 1n) === 0n; exponent++) mantissa >>= 1n;
  return exponent >= 0
    ? { numerator: mantissa << BigInt(exponent), denominator: 1n }
    : { numerator: mantissa, denominator: 1n << BigInt(-exponent) };
}

/** Number of binary digits of a non-negative integer; 0 has none. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
