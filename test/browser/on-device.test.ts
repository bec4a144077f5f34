import { describe, expect, it } from 'vitest';
import { calibrateGaussian, MemoryBudgetStore, openBudget } from '../../src/dp/index.ts';
import {
  FederatedClient,
  PlainSum,
  predictTags,
  trainTagModel,
  withConstant,
} from '../../src/federated/index.ts';
import { SecureRandom } from '../../src/index.ts';
import {
  CollectionGate,
  ConsentLedger,
  type ProfileEvent,
  share,
  tagCounts,
  validateSchema,
} from '../../src/profile/index.ts';

const schema = validateSchema({
  version: 1,
  parties: { shop: { role: 'controller' } },
  purposes: ['recommendation'],
  scenes: { home: { riskLevel: 'normal', advertising: 'none' } },
  flows: [],
  kinds: {
    order: {
      tier: 'enhanced',
      source: 'first-party',
      legalBasis: 'consent',
      purposes: ['recommendation'],
      retention: 'P1Y',
      reviewBy: '2099-12-31',
      controller: 'shop',
      recipients: [],
    },
  },
  tags: Object.fromEntries(
    ['garden', 'kitchen'].map((tag) => [
      tag,
      {
        kind: 'predictive',
        from: ['order'],
        scenes: ['home'],
        purposes: ['recommendation'],
        retention: 'P1Y',
        sensitivity: 'normal',
        reviewBy: '2099-12-31',
      },
    ]),
  ),
  sensitiveCombinations: [],
});

describe('in a page', () => {
  it('collects behind consent', () => {
    const now = Date.UTC(2026, 0, 1);
    const clock = { now };
    const consent = new ConsentLedger({
      schema,
      person: 'ada',
      key: new SecureRandom().bytes(32),
      noticeVersion: 1,
      clock: () => clock.now,
    });
    const collected: ProfileEvent[] = [];
    const gate = new CollectionGate({
      consent,
      purpose: 'recommendation',
      collect: (event) => collected.push(event),
    });
    const order = {
      user: 'ada',
      time: now + 1,
      scene: 'home',
      kind: 'order',
      tag: 'garden',
      value: 2,
    };
    clock.now = now + 10;
    expect(gate.offer(order)).toBe('consent-missing');
    consent.grant({
      scope: { tier: 'enhanced', scene: 'home' },
      purposes: ['recommendation'],
      controller: 'shop',
      expiresAt: now + 1e9,
    });
    clock.now = now + 30;
    expect(gate.offer({ ...order, time: now + 20 })).toBe('admitted');
    expect([...share(tagCounts(collected, ['garden', 'kitchen'], { scene: 'home' }))]).toEqual([
      1, 0,
    ]);
  });

  it('trains privately under a budget, and is refused when it is spent', async () => {
    const random = new SecureRandom();
    const target = { epsilon: 2, delta: 1e-6 };
    const budget = await openBudget({
      policy: {
        version: 1,
        currency: 'gdp',
        delta: target.delta,
        user: { epsilon: target.epsilon },
        scenes: { home: {} },
        reservationLease: 'PT10M',
      },
      unit: 'user',
      relation: 'zero-out-one-user',
      store: new MemoryBudgetStore(),
      secrets: [random.bytes(32)],
    });
    const clients = Array.from({ length: 1500 }, (_, i) => {
      const taste = Float32Array.of(i % 2, 1 - (i % 2));
      return new FederatedClient(`user-${i}`, {
        rows: 1,
        features: withConstant(taste, 2, 0.3),
        labels: taste,
      });
    });
    const train = (runId: string) =>
      trainTagModel(
        {
          scene: 'home',
          relation: 'zero-out-one-user',
          secureSum: new PlainSum(),
          random,
          budget,
          minimumCohort: 10,
        },
        {
          tags: ['garden', 'kitchen'],
          features: ['(constant)', 'garden', 'kitchen'],
          prior: { beta: 0.3, labelDensity: 0.5, persistence: 0 },
          population: 1500,
        },
        clients,
        {
          runId,
          method: 'one-shot',
          noiseMultiplier: calibrateGaussian(target),
          delta: target.delta,
        },
      );
    const outcome = await train('first');
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
    const probabilities = predictTags(outcome.model, withConstant(Float32Array.of(1, 0), 2, 0.3));
    expect(probabilities[0]).toBeGreaterThan(probabilities[1] as number);
    expect(outcome.model.statement.insecure).toBe(false);
    const second = await train('second');
    expect(second.kind === 'refused' && second.refusal.limit).toBe('user-total');
  });
});
