import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { explainByGradients, perceptronScore } from '../../src/profile/index.ts';

/** Two normal numbers (Box and Muller). */
function normals(random: SeededRandom): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log((random.uint32() + 1) / 2 ** 32));
  const angle = (2 * Math.PI * random.uint32()) / 2 ** 32;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

describe('intervals of a perceptron', () => {
  it.each([
    ['tanh', 1500, 0.05],
    ['relu', 400, 0.085],
  ] as const)(
    'hold the noiseless difference as often as they say, for small noise (%s)',
    (activation, runs, tolerance) => {
      const random = new SeededRandom(`gradient intervals ${activation}`);
      const parameters = Float64Array.from({ length: 6 * 5 + 6 + 6 + 1 }, () => normals(random)[0]);
      const form = { inputDimension: 5, hidden: [6], outputDimension: 1, activation } as const;
      const features = [0.8, -0.4, 0.3, 0.9, -0.6];
      const score = perceptronScore({ ...form, parameters }, 0);
      const truth = score.logit(features) - score.logit(new Float64Array(5));
      const stddev = 0.01;
      let held = 0;
      for (let run = 0; run < runs; run++) {
        const released = parameters.map((value) => value + stddev * normals(random)[0]);
        const { difference } = explainByGradients({
          tag: 'kitchen',
          score: perceptronScore({ ...form, parameters: released }, 0),
          featureNames: ['a', 'b', 'c', 'd', 'e'],
          features,
          parameterNoiseStddev: stddev,
          confidence: 0.9,
        });
        if (difference.lower <= truth && truth <= difference.upper) held += 1;
      }
      // Seeded. Five deviations of a binomial of 1,500 at 0.9 are 0.039, of 400 are 0.075; second order adds
      // less than 0.01.
      expect(Math.abs(held / runs - 0.9)).toBeLessThan(tolerance);
    },
  );
});
