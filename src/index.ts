/**
 * Velatura: user-profile tags without collecting the people behind them. This entry holds the errors and
 * the one-call façades; everything else is in the subpaths `velatura/dp`, `/federated`, `/he`, `/profile`,
 * `/node` and `/testing`.
 *
 * @module
 */
export {
  ERROR_CODES,
  type ErrorDetails,
  VelaturaError,
  type VelaturaErrorCode,
} from './core/errors.ts';
export { SecureRandom } from './core/secure-random.ts';
