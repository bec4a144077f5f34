/** Grey images of one size, pixels 0 … 255, row-major. */
export interface Images {
  readonly count: number;
  /** Height and width. */
  readonly size: number;
  /** `[count, size, size]` */
  readonly pixels: Uint8Array;
}

/** Widths of the Gaussians that an image is smoothed with before its slopes are taken, in pixels. */
const SCALES = [0.8, 1.6] as const;
/** Directions of slopes over the full turn. */
const DIRECTIONS = 8;
/** Cells along each side. */
const CELLS = 7;
/** A constant input, in the place of a bias. */
const CONSTANT = 0.3;
/** Share of a uniform vector that is taken off, because all features are positive. */
const CENTRE = 0.7;

/** Numbers that an image becomes. */
export const GRADIENT_FEATURES: number = SCALES.length * DIRECTIONS * CELLS * CELLS + 1;

/**
 * Histograms of oriented gradients (Dalal and Triggs 2005) at two scales: how steep the image is in each of
 * eight directions in each of 7 × 7 cells, as square roots, of norm 1, with a constant. Fixed and public:
 * nothing is learnt, and a row depends on its image alone.
 *
 * @returns `[count, GRADIENT_FEATURES]`, rows of norm √1.09
 */
export function orientedGradients({ count, size, pixels }: Images): Float32Array {
  const out = new Float32Array(count * GRADIENT_FEATURES);
  const filters = SCALES.map(filter);
  const windows = cellWindows(size);
  const image = new Float32Array(size * size);
  const perScale = DIRECTIONS * CELLS * CELLS;
  for (let i = 0; i < count; i++) {
    for (let p = 0; p < image.length; p++) {
      image[p] = (pixels[i * image.length + p] as number) / 255;
    }
    const row = out.subarray(i * GRADIENT_FEATURES, (i + 1) * GRADIENT_FEATURES);
    filters.forEach((one, s) => {
      histograms(image, size, one, windows, row.subarray(s * perScale, (s + 1) * perScale));
    });
    const features = row.subarray(0, GRADIENT_FEATURES - 1);
    for (let f = 0; f < features.length; f++) features[f] = Math.sqrt(features[f] as number);
    normalise(features);
    const centre = CENTRE / Math.sqrt(features.length);
    for (let f = 0; f < features.length; f++) features[f] = (features[f] as number) - centre;
    normalise(features);
    row[GRADIENT_FEATURES - 1] = CONSTANT;
  }
  return out;
}

interface Filter {
  readonly radius: number;
  readonly smooth: Float32Array;
  readonly slope: Float32Array;
}

/** A Gaussian of that width and its derivative. */
function filter(width: number): Filter {
  const radius = Math.ceil(3 * width);
  const at = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius);
  const heights = at.map((x) => Math.exp((-x * x) / (2 * width * width)));
  const sum = heights.reduce((total, height) => total + height, 0);
  return {
    radius,
    smooth: Float32Array.from(heights, (height) => height / sum),
    slope: Float32Array.from(at, (x, i) => (-x * (heights[i] as number)) / (width * width * sum)),
  };
}

/** Triangles around the middles of the cells, `[CELLS, size]`. */
function cellWindows(size: number): Float32Array {
  const width = size / CELLS;
  return Float32Array.from({ length: CELLS * size }, (_, i) => {
    const middle = (Math.floor(i / size) + 0.5) * width - 0.5;
    return Math.max(0, 1 - Math.abs((i % size) - middle) / width);
  });
}

/** One pass along rows (`step` 1) or columns (`step` size); beyond the edge there is nothing. */
function convolve(
  image: Float32Array,
  size: number,
  step: number,
  taps: Float32Array,
): Float32Array {
  const radius = taps.length >> 1;
  const across = step === 1 ? size : 1;
  const out = new Float32Array(image.length);
  for (let line = 0; line < size; line++) {
    for (let x = 0; x < size; x++) {
      let sum = 0;
      const last = Math.min(size - 1, x + radius);
      for (let y = Math.max(0, x - radius); y <= last; y++) {
        sum += (image[line * across + y * step] as number) * (taps[y - x + radius] as number);
      }
      out[line * across + x * step] = sum;
    }
  }
  return out;
}

/** Adds up the steepness of each direction in each cell, `[DIRECTIONS, CELLS, CELLS]`. */
function histograms(
  image: Float32Array,
  size: number,
  { smooth, slope }: Filter,
  windows: Float32Array,
  out: Float32Array,
): void {
  const along = convolve(convolve(image, size, size, smooth), size, 1, slope);
  const down = convolve(convolve(image, size, size, slope), size, 1, smooth);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const dx = along[y * size + x] as number;
      const dy = down[y * size + x] as number;
      const steepness = Math.hypot(dx, dy);
      if (steepness < 1e-6) continue;
      const turn = (Math.atan2(dy, dx) / (2 * Math.PI)) * DIRECTIONS + DIRECTIONS;
      const low = Math.floor(turn) % DIRECTIONS;
      const share = turn - Math.floor(turn);
      for (let i = 0; i < CELLS; i++) {
        const vertical = windows[i * size + y] as number;
        if (vertical === 0) continue;
        for (let j = 0; j < CELLS; j++) {
          const weight = vertical * (windows[j * size + x] as number) * steepness;
          if (weight === 0) continue;
          const cell = i * CELLS + j;
          const first = low * CELLS * CELLS + cell;
          const second = ((low + 1) % DIRECTIONS) * CELLS * CELLS + cell;
          out[first] = (out[first] as number) + weight * (1 - share);
          out[second] = (out[second] as number) + weight * share;
        }
      }
    }
  }
}

function normalise(values: Float32Array): void {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  if (norm === 0) return;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / norm;
}
