/** Twiddle factors e^(−2πik/n), k < n; made once for each size. */
interface Twiddles {
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

/** Tables kept at a time: one for a million points takes 16 MB. */
const MOST_TABLES = 4;
const tables = new Map<number, Twiddles>();

function twiddlesFor(n: number): Twiddles {
  const known = tables.get(n);
  if (known !== undefined) return known;
  const [oldest] = tables.keys();
  if (oldest !== undefined && tables.size === MOST_TABLES) tables.delete(oldest);
  const cosines = new Float64Array(n);
  const sines = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    // Reduced to the first eighth, where both functions are accurate to the last bit.
    const [c, s] = unitRoot(k, n);
    cosines[k] = c;
    sines[k] = -s;
  }
  const table = { cosines, sines };
  tables.set(n, table);
  return table;
}

/** cos and sin of 2πk/n for 0 ≤ k < n. */
function unitRoot(k: number, n: number): readonly [number, number] {
  if (8 * k <= n) {
    const angle = (2 * Math.PI * k) / n;
    return [Math.cos(angle), Math.sin(angle)];
  }
  if (4 * k <= n) {
    const [c, s] = unitRoot(n / 4 - k, n);
    return [s, c];
  }
  if (2 * k <= n) {
    const [c, s] = unitRoot(n / 2 - k, n);
    return [-c, s];
  }
  const [c, s] = unitRoot(n - k, n);
  return [c, -s];
}

/** Real and imaginary parts, each of the same length. */
export interface ComplexArray {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * Stockham's transform: each pass reads one array and writes the other in the order the next pass wants,
 * so nothing is ever permuted. Radix 4, with one pass of radix 2 where the exponent is odd.
 *
 * @param twiddles - of twice the length, which the caller needs anyway
 */
function complexFft(input: ComplexArray, twiddles: Twiddles): ComplexArray {
  const n = input.real.length;
  let from = input;
  let to: ComplexArray = { real: new Float64Array(n), imaginary: new Float64Array(n) };
  const { cosines, sines } = twiddles;
  let length = n;
  let stride = 1;
  while (length > 1) {
    if (length % 4 === 0) {
      radix4(from, to, length, stride, cosines, sines);
      length /= 4;
      stride *= 4;
    } else {
      radix2(from, to, stride);
      length /= 2;
      stride *= 2;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** `stride` interleaved transforms of size `length`, split by 4. */
function radix4(
  from: ComplexArray,
  to: ComplexArray,
  length: number,
  stride: number,
  cosines: Float64Array,
  sines: Float64Array,
): void {
  const { real: x, imaginary: y } = from;
  const { real: u, imaginary: v } = to;
  const quarter = length / 4;
  const span = quarter * stride;
  for (let p = 0; p < quarter; p++) {
    const k = 2 * p * stride;
    const c1 = cosines[k] as number;
    const s1 = sines[k] as number;
    const c2 = cosines[2 * k] as number;
    const s2 = sines[2 * k] as number;
    const c3 = cosines[3 * k] as number;
    const s3 = sines[3 * k] as number;
    const base = p * stride;
    const out = 4 * p * stride;
    for (let q = 0; q < stride; q++) {
      const i = base + q;
      const ar = x[i] as number;
      const ai = y[i] as number;
      const br = x[i + span] as number;
      const bi = y[i + span] as number;
      const cr = x[i + 2 * span] as number;
      const ci = y[i + 2 * span] as number;
      const dr = x[i + 3 * span] as number;
      const di = y[i + 3 * span] as number;
      const sumR = ar + cr;
      const sumI = ai + ci;
      const difR = ar - cr;
      const difI = ai - ci;
      const sum2R = br + dr;
      const sum2I = bi + di;
      // −i·(b − d)
      const turnR = bi - di;
      const turnI = dr - br;
      const o = out + q;
      u[o] = sumR + sum2R;
      v[o] = sumI + sum2I;
      const r1 = difR + turnR;
      const i1 = difI + turnI;
      u[o + stride] = r1 * c1 - i1 * s1;
      v[o + stride] = r1 * s1 + i1 * c1;
      const r2 = sumR - sum2R;
      const i2 = sumI - sum2I;
      u[o + 2 * stride] = r2 * c2 - i2 * s2;
      v[o + 2 * stride] = r2 * s2 + i2 * c2;
      const r3 = difR - turnR;
      const i3 = difI - turnI;
      u[o + 3 * stride] = r3 * c3 - i3 * s3;
      v[o + 3 * stride] = r3 * s3 + i3 * c3;
    }
  }
}

/** The last pass where a factor of 2 is left: its only twiddle is 1. */
function radix2(from: ComplexArray, to: ComplexArray, stride: number): void {
  for (let q = 0; q < stride; q++) {
    const ar = from.real[q] as number;
    const ai = from.imaginary[q] as number;
    const br = from.real[q + stride] as number;
    const bi = from.imaginary[q + stride] as number;
    to.real[q] = ar + br;
    to.imaginary[q] = ai + bi;
    to.real[q + stride] = ar - br;
    to.imaginary[q + stride] = ai - bi;
  }
}

/**
 * Discrete Fourier transform of real numbers: X[k] = Σ x[n]·e^(−2πikn/N) for k = 0 … N/2; the others are
 * the conjugates of these.
 *
 * Each output is off by at most 8·log₂N units of 2⁻⁵² of Σ|x[n]|: every x[n] reaches it through log₂N
 * butterflies, each of which multiplies by one rounded twiddle and adds once.
 *
 * @param values - length a power of two, at least 2
 * @returns N/2 + 1 frequencies
 * @throws {RangeError} for another length
 */
export function realFft(values: Float64Array): ComplexArray {
  const n = values.length;
  if (n < 2 || (n & (n - 1)) !== 0) {
    throw new RangeError(`"values" expected a length that is a power of two, got ${n}`);
  }
  const half = n / 2;
  // Two neighbours make one complex number; their transforms are told apart by symmetry afterwards.
  const packed: ComplexArray = {
    real: new Float64Array(half),
    imaginary: new Float64Array(half),
  };
  for (let i = 0; i < half; i++) {
    packed.real[i] = values[2 * i] as number;
    packed.imaginary[i] = values[2 * i + 1] as number;
  }
  const twiddles = twiddlesFor(n);
  const { cosines, sines } = twiddles;
  const { real: x, imaginary: y } = complexFft(packed, twiddles);
  const real = new Float64Array(half + 1);
  const imaginary = new Float64Array(half + 1);
  real[0] = (x[0] as number) + (y[0] as number);
  real[half] = (x[0] as number) - (y[0] as number);
  for (let k = 1; k < half; k++) {
    const ar = x[k] as number;
    const ai = y[k] as number;
    const br = x[half - k] as number;
    const bi = -(y[half - k] as number);
    const evenR = 0.5 * (ar + br);
    const evenI = 0.5 * (ai + bi);
    // −i/2·(a − conj b)
    const oddR = 0.5 * (ai - bi);
    const oddI = 0.5 * (br - ar);
    const c = cosines[k] as number;
    const s = sines[k] as number;
    real[k] = evenR + oddR * c - oddI * s;
    imaginary[k] = evenI + oddR * s + oddI * c;
  }
  return { real, imaginary };
}
