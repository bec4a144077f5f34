/** Inner product of two vectors of the same length. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Euclidean norm. */
export function l2Norm(vector: ArrayLike<number>): number {
  return Math.sqrt(dot(vector, vector));
}

/** y ← y + scale · x. */
export function addScaled(
  y: Float64Array | Float32Array,
  x: ArrayLike<number>,
  scale: number,
): void {
  for (let i = 0; i < y.length; i++) y[i] = (y[i] as number) + scale * (x[i] as number);
}

/** Eigenvalues in descending order, and their unit eigenvectors as rows. */
export interface SymmetricEigen {
  /** `[n]` */
  readonly values: Float64Array;
  /** `[n, n]`: row i belongs to values[i] */
  readonly vectors: Float64Array;
}

/**
 * Eigendecomposition of a symmetric matrix by cyclic Jacobi rotations: slower than a tridiagonal method,
 * but accurate to the last digits also for tiny eigenvalues, and short. O(n³) a sweep.
 *
 * @param matrix - `[n, n]`, symmetric; left as it is
 * @throws RangeError when the length is not n²
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  if (matrix.length !== n * n) {
    throw new RangeError(`"matrix" expected ${n * n} numbers, got ${matrix.length}`);
  }
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  const scale = l2Norm(a);
  for (let sweep = 0; sweep < 100 && offDiagonalNorm(a, n) > 1e-15 * scale; sweep++) {
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (a[j * n + j] as number) - (a[i * n + i] as number),
  );
  const values = new Float64Array(n);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    values[to] = a[from * n + from] as number;
    vectors.set(v.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values, vectors };
}

function offDiagonalNorm(a: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) if (i !== j) sum += (a[i * n + j] as number) ** 2;
  return Math.sqrt(sum);
}

/** Zeroes a[p][q] by a plane rotation and applies it to the rows of v. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q] as number;
  if (apq === 0) return;
  const theta = ((a[q * n + q] as number) - (a[p * n + p] as number)) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const akp = a[k * n + p] as number;
    const akq = a[k * n + q] as number;
    a[k * n + p] = c * akp - s * akq;
    a[k * n + q] = s * akp + c * akq;
  }
  for (let k = 0; k < n; k++) {
    const apk = a[p * n + k] as number;
    const aqk = a[q * n + k] as number;
    a[p * n + k] = c * apk - s * aqk;
    a[q * n + k] = s * apk + c * aqk;
    const vpk = v[p * n + k] as number;
    const vqk = v[q * n + k] as number;
    v[p * n + k] = c * vpk - s * vqk;
    v[q * n + k] = s * vpk + c * vqk;
  }
}
