import { all, type BigNumber, create, type FactoryFunctionMap } from 'mathjs';

/** Digits: 60 to keep, and as many again as e^(x²) has at the largest argument. */
const math = create(all as FactoryFunctionMap, { number: 'BigNumber', precision: 460 });
export const big = (x: number | string): BigNumber => math.bignumber(x);

/** The double itself, not its shortest decimal. */
export function exact(x: number): BigNumber {
  let exponent = 0;
  let mantissa = x;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent--;
  }
  return big(String(BigInt(mantissa))).times(big(2).pow(exponent));
}

export const PI = big(String(math.pi));

/** erf by its all-positive series 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!. */
export function erf(x: BigNumber): BigNumber {
  const square = x.times(x);
  let term = x;
  let sum = x;
  for (let n = 1; term.abs().gt(big('1e-455')); n++) {
    term = term
      .times(square)
      .times(2)
      .div(2 * n + 1);
    sum = sum.plus(term);
  }
  return sum.times(2).div(PI.sqrt()).times(square.negated().exp());
}
