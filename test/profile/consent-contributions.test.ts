import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../src/core/errors.ts';
import { PlainSum } from '../../src/federated/index.ts';
import {
  type ConsentLedger,
  type ContributionFate,
  ContributionRegister,
  type OpenContribution,
} from '../../src/profile/index.ts';
import { DAY, grantAll, newLedger, START, TestClock } from './fixtures.ts';

const BEAUTY = { tier: 'enhanced', scene: 'live-beauty' } as const;

function consenting(clock = new TestClock()): ConsentLedger {
  const ledger = newLedger(clock);
  grantAll(ledger);
  return ledger;
}

function contribution(change: Partial<OpenContribution> = {}): OpenContribution {
  return {
    id: 'round-1',
    scene: 'live-beauty',
    purpose: 'recommendation',
    kinds: ['watch-time'],
    cancel: () => ({ kind: 'cancelled' }),
    ...change,
  };
}

describe('a consent withdrawn while a round is open', () => {
  it('keeps the contribution out of the sum', async () => {
    const consent = consenting();
    const register = new ContributionRegister(consent);
    const session = await new PlainSum().open({
      roundId: 'round-1',
      dimension: 2,
      modulusBits: 32,
      contributionBound: 100,
      cohort: ['u1', 'u2'],
      minimumSurvivors: 1,
    });
    let sent = false;
    register.open(
      contribution({ cancel: () => ({ kind: sent ? 'used' : 'cancelled' }) as ContributionFate }),
    );
    await session.contribute('u2', Float64Array.of(3, 4));
    consent.withdraw(BEAUTY);
    if (register.mayLeave('round-1')) {
      sent = true;
      await session.contribute('u1', Float64Array.of(50, 50));
    }
    expect(await session.close()).toEqual({ sum: Float64Array.of(3, 4), survivors: 1 });
    expect(await register.settle()).toEqual(new Map([['round-1', { kind: 'cancelled' }]]));
  });

  it('is shown to be unused when the round breaks off, and used when it did not', async () => {
    for (const minimumSurvivors of [1, 2]) {
      const consent = consenting();
      const register = new ContributionRegister(consent);
      const session = await new PlainSum().open({
        roundId: 'round-1',
        dimension: 1,
        modulusBits: 32,
        contributionBound: 100,
        cohort: ['u1', 'u2'],
        minimumSurvivors,
      });
      const cancel = async (): Promise<ContributionFate> => {
        try {
          await session.close();
          return { kind: 'used' };
        } catch (error) {
          return { kind: 'unused', evidence: (error as VelaturaError).code };
        }
      };
      register.open(contribution({ cancel }));
      expect(register.mayLeave('round-1')).toBe(true);
      await session.contribute('u1', Float64Array.of(50));
      consent.withdraw(BEAUTY);
      const fate = (await register.settle()).get('round-1');
      expect(fate).toEqual(
        minimumSurvivors === 1
          ? { kind: 'used' }
          : { kind: 'unused', evidence: 'federated/cohort-too-small' },
      );
    }
  });

  it('is noticed before the withdrawal returns', () => {
    const consent = consenting();
    const register = new ContributionRegister(consent);
    let cancelled = 0;
    register.open(
      contribution({
        cancel: () => {
          cancelled += 1;
          return { kind: 'cancelled' };
        },
      }),
    );
    consent.grant({
      scope: { tier: 'essential' },
      purposes: ['recommendation'],
      controller: 'platform',
      expiresAt: START + DAY,
    });
    expect(cancelled).toBe(0);
    consent.setWatchOnly('live-beauty', true);
    expect(cancelled).toBe(1);
    consent.withdraw(BEAUTY);
    expect(cancelled).toBe(1);
  });

  it.each<[string, (ledger: ConsentLedger, clock: TestClock) => void]>([
    ['an opt-out', (ledger) => ledger.optOut('recommendation')],
    ["a minor's mode", (ledger) => ledger.setMinorsMode(true)],
    [
      'a session that is only watched',
      (ledger) => ledger.beginSession('live-beauty', 'watch-only'),
    ],
    ['the end of its time', (_, clock) => (clock.time = START + 365 * DAY)],
  ])('ends it as well: %s', (_, end) => {
    const clock = new TestClock();
    const consent = consenting(clock);
    const register = new ContributionRegister(consent);
    register.open(contribution());
    expect(register.mayLeave('round-1')).toBe(true);
    end(consent, clock);
    expect(register.mayLeave('round-1')).toBe(false);
  });
});

describe('a register of contributions', () => {
  it('opens nothing that is not covered, in all of its kinds', () => {
    const consent = newLedger();
    const register = new ContributionRegister(consent);
    const missing = expect.objectContaining({ code: 'profile/consent-missing' });
    expect(() => register.open(contribution())).toThrow(missing);
    grantAll(consent);
    expect(() => register.open(contribution({ kinds: ['watch-time', 'face'] }))).toThrow(missing);
    expect(() => register.open(contribution({ kinds: [] }))).toThrow(RangeError);
    expect(register.mayLeave('round-1')).toBe(false);
    register.open(contribution());
    expect(() => register.open(contribution())).toThrow(RangeError);
  });

  it('asks again when an answer failed, and holds the contribution back meanwhile', async () => {
    const consent = consenting();
    const register = new ContributionRegister(consent);
    let answers = 0;
    const cancel = (): ContributionFate => {
      answers += 1;
      if (answers < 3) throw new VelaturaError('federated/round-closed', 'no connection');
      return { kind: 'cancelled' };
    };
    register.open(contribution({ cancel }));
    consent.withdraw(BEAUTY);
    expect(await register.settle()).toEqual(new Map());
    expect(register.unresolved()).toEqual(['round-1']);
    // Agreeing again does not revive what was taken back.
    grantAll(consent);
    expect(register.mayLeave('round-1')).toBe(false);
    register.close('round-1');
    await register.retry();
    expect(register.unresolved()).toEqual(['round-1']);
    expect(await register.retry()).toEqual(new Map([['round-1', { kind: 'cancelled' }]]));
    expect(register.unresolved()).toEqual([]);
  });

  it('cancels everything at once when the person leaves', async () => {
    const register = new ContributionRegister(consenting());
    register.open(contribution());
    register.open(contribution({ id: 'round-2', scene: 'live-food' }));
    register.open(contribution({ id: 'round-3' }));
    register.close('round-3');
    expect([...(await register.cancelAll()).keys()]).toEqual(['round-1', 'round-2']);
    expect(register.mayLeave('round-1')).toBe(false);
  });

  it('follows the consent until it is told not to', () => {
    const consent = consenting();
    const register = new ContributionRegister(consent);
    let cancelled = false;
    register.open(
      contribution({
        cancel: () => {
          cancelled = true;
          return { kind: 'cancelled' };
        },
      }),
    );
    register.dispose();
    consent.withdraw(BEAUTY);
    expect(cancelled).toBe(false);
    expect(register.mayLeave('round-1')).toBe(false);
  });
});
