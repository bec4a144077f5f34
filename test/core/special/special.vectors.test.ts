import { describe, expect, it } from 'vitest';
import { erf, erfc, erfcx } from '../../../src/core/special/erf.ts';
import { lgamma } from '../../../src/core/special/gamma.ts';
import { log1mexp } from '../../../src/core/special/log-space.ts';
import { logNormalCdf, normalCdf, normalQuantile } from '../../../src/core/special/normal.ts';
import vectors from './special.vectors.json' with { type: 'json' };

const RELATIVE_ERROR = 1e-13;
const functions = { erf, erfc, erfcx, normalCdf, logNormalCdf, normalQuantile, lgamma, log1mexp };

describe('special functions against mathjs BigNumbers', () => {
  for (const [name, f] of Object.entries(functions)) {
    it(name, () => {
      const rows = vectors[name as keyof typeof functions] as [number, number][];
      expect(rows.length).toBeGreaterThan(9);
      for (const [x, expected] of rows) {
        const error = Math.abs(f(x) - expected);
        expect(error, `${name}(${x})`).toBeLessThanOrEqual(RELATIVE_ERROR * Math.abs(expected));
      }
    });
  }
});
