import {
  fillDiscreteGaussian,
  fillDiscreteLaplace,
  fillPoisson,
  fillRoundedGaussian,
  fillSkellam,
  sampleDiscreteGaussian,
  sampleDiscreteLaplace,
  samplePoisson,
  sampleRoundedGaussian,
  sampleSkellam,
} from '../../../src/dp/noise/index.ts';
import {
  describeSampler,
  discreteGaussianSubject,
  discreteLaplaceSubject,
  each,
  poissonSubject,
  roundedGaussianSubject,
  skellamSubject,
} from './subjects.ts';

// False-alarm rate of each case: under 1e-6 over seeds; the seed is fixed, so a run is repeatable.
const BULK = { samples: 400_000 };
const SCALAR = { samples: 40_000 };

for (const stddev of [0.2, 1, 2, 100, 4096, 65_535, 2 ** 20 + 0.5, 2 ** 24, 2 ** 37]) {
  describeSampler(
    roundedGaussianSubject(
      stddev,
      (target, random) => fillRoundedGaussian(target, stddev, random),
      'bulk',
    ),
    BULK,
  );
}
for (const stddev of [0.3, 2, 1000.5, 2 ** 40]) {
  describeSampler(
    roundedGaussianSubject(
      stddev,
      each((random) => sampleRoundedGaussian(stddev, random)),
      'scalar',
    ),
    SCALAR,
  );
}

for (const sigma of [0.5, 2, 64, 4096, 2 ** 17 + 0.1, 2 ** 24, 2 ** 37]) {
  describeSampler(
    discreteGaussianSubject(
      sigma,
      (target, random) => fillDiscreteGaussian(target, sigma, random),
      'bulk',
    ),
    BULK,
  );
}
for (const sigma of [0.4, 2, 1000.5, 2 ** 40]) {
  describeSampler(
    discreteGaussianSubject(
      sigma,
      each((random) => sampleDiscreteGaussian(sigma, random)),
      'scalar',
    ),
    { samples: 15_000 },
  );
}

for (const parameter of [8, 1, 0.015, 1e-6, 2 ** -30]) {
  describeSampler(
    discreteLaplaceSubject(
      parameter,
      (target, random) => fillDiscreteLaplace(target, parameter, random),
      'bulk',
    ),
    BULK,
  );
}
for (const parameter of [2, 0.1, 2 ** -39]) {
  describeSampler(
    discreteLaplaceSubject(
      parameter,
      each((random) => sampleDiscreteLaplace(parameter, random)),
      'scalar',
    ),
    { samples: 15_000 },
  );
}

for (const mu of [0.05, 1, 100, 2 ** 20, 2 ** 24, 2 ** 31]) {
  describeSampler(
    skellamSubject(mu, (target, random) => fillSkellam(target, mu, random), 'bulk'),
    BULK,
  );
}
for (const mu of [0.05, 3, 500.5, 2 ** 41]) {
  describeSampler(
    skellamSubject(
      mu,
      each((random) => sampleSkellam(mu, random)),
      'scalar',
    ),
    SCALAR,
  );
}

for (const lambda of [0.05, 0.999, 1, 30.5, 2047.9, 2048, 5000, 2 ** 24, 2 ** 40]) {
  describeSampler(
    poissonSubject(lambda, (target, random) => fillPoisson(target, lambda, random), 'bulk'),
    SCALAR,
  );
}
describeSampler(
  poissonSubject(
    12.5,
    each((random) => samplePoisson(12.5, random)),
    'scalar',
  ),
  SCALAR,
);
