import { describe, expect, it } from 'vitest';
import { realFft } from '../../src/core/fft.ts';
import { SeededRandom } from '../../src/core/seeded-random.ts';

/** Adds without loss: the rounding of each addition is kept apart (Neumaier). */
class Sum {
  #sum = 0;
  #lost = 0;

  add(x: number): void {
    const next = this.#sum + x;
    this.#lost += Math.abs(this.#sum) >= Math.abs(x) ? this.#sum - next + x : x - next + this.#sum;
    this.#sum = next;
  }

  get value(): number {
    return this.#sum + this.#lost;
  }
}

function naive(values: Float64Array, k: number): readonly [number, number] {
  const re = new Sum();
  const im = new Sum();
  values.forEach((x, n) => {
    const angle = (-2 * Math.PI * ((k * n) % values.length)) / values.length;
    re.add(x * Math.cos(angle));
    im.add(x * Math.sin(angle));
  });
  return [re.value, im.value];
}

function random(n: number): Float64Array {
  const generator = new SeededRandom(`fft ${n}`);
  return Float64Array.from({ length: n }, () => generator.uniform() - 0.3);
}

describe('realFft', () => {
  for (const n of [2, 4, 8, 16, 32, 128, 256, 512, 2048]) {
    it(`agrees with the definition at ${n} points, within its stated error`, () => {
      const values = random(n);
      const total = values.reduce((sum, x) => sum + Math.abs(x), 0);
      const bound = 8 * Math.log2(n) * Number.EPSILON * total;
      const { real, imaginary } = realFft(values);
      expect(real.length).toBe(n / 2 + 1);
      for (let k = 0; k <= n / 2; k++) {
        const [re, im] = naive(values, k);
        // The angles of the definition are rounded too.
        expect(Math.abs((real[k] as number) - re)).toBeLessThanOrEqual(bound + 4e-15 * total);
        expect(Math.abs((imaginary[k] as number) - im)).toBeLessThanOrEqual(bound + 4e-15 * total);
      }
    });
  }

  it('keeps energy at large sizes (Parseval)', () => {
    for (const n of [1 << 16, 1 << 17]) {
      const values = random(n);
      const { real, imaginary } = realFft(values);
      let energy = 0;
      for (let k = 0; k <= n / 2; k++) {
        const share = k === 0 || k === n / 2 ? 1 : 2;
        energy += share * ((real[k] as number) ** 2 + (imaginary[k] as number) ** 2);
      }
      const expected = n * values.reduce((sum, x) => sum + x * x, 0);
      expect(Math.abs(energy / expected - 1)).toBeLessThan(1e-12);
    }
  });

  it('refuses other lengths', () => {
    expect(() => realFft(new Float64Array(1))).toThrow(RangeError);
    expect(() => realFft(new Float64Array(12))).toThrow(RangeError);
  });
});
