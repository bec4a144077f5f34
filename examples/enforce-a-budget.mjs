// Ask the budget before data is used: twenty releases fit under epsilon 1 for this user, the next is refused.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calibrateGaussian, divideGaussianEvenly } from 'velatura/dp';
import { openBudgetFile } from 'velatura/node';

const folder = mkdtempSync(join(tmpdir(), 'velatura-'));
const budget = await openBudgetFile(join(folder, 'budget.sqlite'), {
  policy: {
    version: 1,
    currency: 'gdp',
    delta: 1e-6,
    user: { epsilon: 1 },
    scenes: { 'live-food': {} },
    reservationLease: 'PT10M',
  },
  unit: 'user',
  relation: 'zero-out-one-user',
});
const noiseMultiplier = divideGaussianEvenly(calibrateGaussian({ epsilon: 1, delta: 1e-6 }), 20);
const plan = {
  unit: 'user',
  relation: 'zero-out-one-user',
  event: { kind: 'gaussian', noiseMultiplier },
};

for (let release = 1; ; release++) {
  const decision = await budget.reserve({
    scene: 'live-food',
    accounts: ['ada'],
    plan,
    idempotencyKey: `release-${release}`,
  });
  if (decision.kind === 'refused') {
    console.log(`release ${release} refused: ${decision.refusal.message}`);
    break;
  }
  // … compute the noisy sum here …
  await budget.commit(decision.reservation.id);
}
const [total] = await budget.remaining('ada');
console.log(
  `spent epsilon ${total.spent.toFixed(4)} of ${total.allowed}; log ok: ${(await budget.verify()).ok}`,
);
await budget.close();
rmSync(folder, { recursive: true });
