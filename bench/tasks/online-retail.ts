import { readRetailProfiles } from '../../src/node/online-retail.ts';
import { share, smoothedShare, sqrtShare } from '../../src/profile/index.ts';
import { setUnitRow, type UtilityTask } from './task.ts';

/**
 * Feature maps of the counts N of the order lines of 15 tags before the cut-off, each then scaled to norm 1
 * by itself: `share+smooth` (N+1)/(ΣN+15), `share` N/ΣN, `log` log(1+N).
 */
export type OnlineRetailVariant = 'share+smooth' | 'share' | 'log';

const MAPS: Readonly<Record<OnlineRetailVariant, (counts: Float32Array) => Float64Array>> = {
  'share+smooth': smoothedShare,
  share,
  log: (counts) => Float64Array.from(counts, Math.log1p),
};

/**
 * Online Retail, shipped in `data/`: which of 15 tags a customer of a gift shop buys after the cut-off,
 * from what was bought before it. 1,952 users. History is the square root of the smoothed share.
 */
export function loadOnlineRetail(variant: OnlineRetailVariant = 'share+smooth'): UtilityTask {
  const { users, tags, counts, labels } = readRetailProfiles();
  const width = tags.length;
  const phi = new Float32Array(counts.length);
  const history = new Float32Array(counts.length);
  for (let user = 0; user < users.length; user++) {
    const own = counts.subarray(user * width, (user + 1) * width);
    setUnitRow(phi, user, MAPS[variant](own));
    history.set(sqrtShare(own), user * width);
  }
  return {
    name: 'online-retail',
    variant,
    users,
    tags,
    features: tags,
    phi,
    history,
    historyWeight: 2,
    labels,
    sharedTags: true,
    metric: 'precisionAt3',
    labelDensity: 0.25,
  };
}
