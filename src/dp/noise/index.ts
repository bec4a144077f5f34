export { sampleBernoulliExp } from './bernoulli-exp.ts';
export { fillDiscreteGaussian, sampleDiscreteGaussian } from './discrete-gaussian.ts';
export { fillDiscreteLaplace, sampleDiscreteLaplace } from './discrete-laplace.ts';
export { MAX_NOISE_STDDEV, type NoiseTarget } from './parameters.ts';
export { fillPoisson, samplePoisson } from './poisson.ts';
export { type Rational, rationalOf } from './rational.ts';
export { fillRoundedGaussian, sampleRoundedGaussian } from './rounded-gaussian.ts';
export { fillSkellam, sampleSkellam } from './skellam.ts';
