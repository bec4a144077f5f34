import type { RandomSource } from '../../../src/core/random-source.ts';
import { fillFromCells } from '../../../src/dp/noise/cell-sampler.ts';
import { buildCellTable } from '../../../src/dp/noise/cell-table.ts';
import type { CertifiedLaw } from '../../../src/dp/noise/certified-law.ts';
import { gaussianLaw } from '../../../src/dp/noise/gaussian-law.ts';
import { laplaceLaw } from '../../../src/dp/noise/laplace-law.ts';
import { poissonEnvelope, sampleUnderEnvelope } from '../../../src/dp/noise/poisson.ts';
import { skellamLaw } from '../../../src/dp/noise/skellam-law.ts';
import {
  describeSampler,
  discreteGaussianSubject,
  discreteLaplaceSubject,
  each,
  poissonSubject,
  roundedGaussianSubject,
  skellamSubject,
} from './subjects.ts';

/**
 * The doubles claim so little that integers decide about a third of all proposals: the laws must not
 * change. False-alarm rate of each case under 1e-6; fixed seeds.
 */
const POOR = 0.3;
const OPTIONS = { samples: 20_000 };
const LABEL = 'decided by integers';

function cells(law: CertifiedLaw): (target: Float64Array, random: RandomSource) => void {
  const table = buildCellTable(law);
  return (target, random) => fillFromCells(target, table, random);
}

for (const stddev of [0.7, 20.5, 2 ** 20]) {
  describeSampler(
    roundedGaussianSubject(stddev, cells(gaussianLaw(stddev, true, POOR)), LABEL),
    OPTIONS,
  );
}
for (const sigma of [2, 300.25]) {
  describeSampler(
    discreteGaussianSubject(sigma, cells(gaussianLaw(sigma, false, POOR)), LABEL),
    OPTIONS,
  );
}
describeSampler(discreteLaplaceSubject(0.05, cells(laplaceLaw(0.05, POOR)), LABEL), OPTIONS);
describeSampler(skellamSubject(6.5, cells(skellamLaw(6.5, POOR)), LABEL), { samples: 10_000 });
for (const lambda of [0.7, 40.2]) {
  const envelope = poissonEnvelope(lambda, POOR);
  describeSampler(
    poissonSubject(
      lambda,
      each((random) => sampleUnderEnvelope(envelope, random)),
      LABEL,
    ),
    OPTIONS,
  );
}

// No proposal is kept unseen: place, sign and deciding number must say the same on the long way.
for (const stddev of [7.25, 2 ** 20]) {
  const table = buildCellTable(gaussianLaw(stddev, true));
  const unsure = { ...table, thresholds: new Uint32Array(table.thresholds.length) };
  describeSampler(
    roundedGaussianSubject(
      stddev,
      (target, random) => fillFromCells(target, unsure, random),
      'without thresholds',
    ),
    { samples: 200_000 },
  );
}

// So few slots that a tenth of all samples is made by the tail's sampler.
for (const stddev of [3.5, 1000.5, 2 ** 20]) {
  const table = buildCellTable(gaussianLaw(stddev, true), 8);
  describeSampler(
    roundedGaussianSubject(
      stddev,
      (target, random) => fillFromCells(target, table, random),
      'with a long tail',
    ),
    { samples: 200_000 },
  );
}
for (const sigma of [3.5, 1000.5]) {
  const table = buildCellTable(gaussianLaw(sigma, false), 8);
  describeSampler(
    discreteGaussianSubject(
      sigma,
      (target, random) => fillFromCells(target, table, random),
      'with a long tail',
    ),
    { samples: 200_000 },
  );
}
