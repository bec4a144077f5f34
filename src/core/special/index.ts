export { erf, erfc, erfcx } from './erf.ts';
export { lgamma } from './gamma.ts';
export { gaussLegendre, type QuadratureRule } from './gauss-legendre.ts';
export { log1mexp, logAddExp, logSubExp } from './log-space.ts';
export { logNormalCdf, millsRatio, normalCdf, normalDensity, normalQuantile } from './normal.ts';
export { findRoot, lastHolding, type RootOptions } from './roots.ts';
export { nextDown, nextUp } from './ulp.ts';
