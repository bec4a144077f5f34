import type { DpEvent, SelectionRuns } from '../event.ts';

/** A number as a person would write it. */
export function shown(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'infinite';
  return String(Number(value.toPrecision(4)));
}

/** An event in words, such as `a Poisson sample at rate 0.01 of Gaussian noise, multiplier 1.1`. */
export function describeEvent(event: DpEvent): string {
  switch (event.kind) {
    case 'gaussian':
      return `Gaussian noise, multiplier ${shown(event.noiseMultiplier)}`;
    case 'laplace':
      return `Laplace noise, multiplier ${shown(event.noiseMultiplier)}`;
    case 'discrete-gaussian':
      return `discrete Gaussian noise, sigma ${shown(event.sigma)} for l2 sensitivity ${shown(event.l2Sensitivity)}${inDimensions(event)}`;
    case 'discrete-laplace':
      return `discrete Laplace noise, parameter ${shown(event.parameter)} for sensitivity ${shown(event.sensitivity)}`;
    case 'skellam':
      return `Skellam noise, variance ${shown(event.mu)} for l2 sensitivity ${shown(event.l2Sensitivity)}${inDimensions(event)}`;
    case 'exponential':
      return `an exponential mechanism of epsilon ${shown(event.epsilon)}`;
    case 'randomized-response':
      return `randomised response over ${event.categories} categories, replaced with probability ${shown(event.probability)}`;
    case 'zcdp':
      return `something ${shown(event.rho)}-zCDP`;
    case 'poisson-sampled':
      return `a Poisson sample at rate ${shown(event.samplingRate)} of ${describeEvent(event.event)}`;
    case 'fixed-size-sampled':
      return `a sample of ${event.sampleSize} of ${event.populationSize} of ${describeEvent(event.event)}`;
    case 'repeated':
      return `${event.count} times ${describeEvent(event.event)}`;
    case 'composed':
      return event.events.map(describeEvent).join(' and ');
    case 'correlated-gaussian':
      return `correlated Gaussian noise, multiplier ${shown(event.noiseMultiplier)}, for ${event.participations} participations`;
    case 'repeat-and-select':
      return `the best of ${describeRuns(event.runs)} of ${describeEvent(event.event)}`;
    case 'non-private':
      return 'a release without protection';
  }
}

function describeRuns(runs: SelectionRuns): string {
  return runs.kind === 'poisson'
    ? `a hidden number of runs, Poisson of mean ${shown(runs.mean)},`
    : `a hidden number of runs, negative binomial of shape ${shown(runs.shape)} and stop ${shown(runs.stop)},`;
}

function inDimensions(event: { readonly dimension?: number }): string {
  return event.dimension === undefined || event.dimension === 1
    ? ''
    : ` in ${event.dimension} dimensions`;
}
