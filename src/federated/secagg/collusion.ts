/**
 * Members of a cohort that may work together with the server, as the server plans and every member demands.
 *
 * ## Privacy
 * Never fewer than the share says: the product of a decimal share is lifted past its rounding, so 0.29 of 100 are 29.
 * Where members add the noise, each knows its own part of it, so at least one is counted whatever the share.
 *
 * @param corruptShare - in [0, 1)
 * @param isNoisy - whether the members add the noise
 */
export function mostColluders(corruptShare: number, members: number, isNoisy: boolean): number {
  const ofShare = Math.floor(corruptShare * members * (1 + 2 ** -40));
  return isNoisy ? Math.max(1, ofShare) : ofShare;
}
