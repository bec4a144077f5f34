import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../../src/core/random-source.ts';
import type { Release } from '../../../src/dp/index.ts';
import { dpCount, dpSum } from '../../../src/dp/mechanisms/index.ts';
import {
  type MechanismSubject,
  mechanismConformance,
} from '../../../src/testing/mechanism-conformance.ts';

type Users = readonly (readonly number[])[];

const options = {
  relation: 'add-or-remove-one-user',
  maxContributions: 1,
  noise: { kind: 'gaussian', noiseMultiplier: 1 },
} as const;

const sound: MechanismSubject<Users, number> = {
  name: 'count',
  release: (users, random) => dpCount(users, { ...options, ...(random && { random }) }),
  neighbours: [[[[1], [1]], [[1]]]],
  statistic: (value) => value,
  truth: (users) => users.length,
  refused: [],
};

/** Changes what the sound mechanism releases. */
function broken(
  change: (release: Release<number>, users: Users) => Release<number>,
): MechanismSubject<Users, number> {
  return { ...sound, release: (users, random) => change(sound.release(users, random), users) };
}

/** Names of the cases that fail. */
async function failures(subject: MechanismSubject<Users, number>): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of mechanismConformance(subject, { samples: 4000 })) {
    try {
      await run();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

const SAME_PLAN = 'hands out the same plan whatever the data and the noise';
const INSECURE = 'marks every release whose noise did not come from the secure source';
const SOURCE = 'draws its noise from the source it is given, afresh for each release';
const INTERVAL = 'states an error that is finite and whose interval holds as often as stated';
const LOSS = 'does not let neighbours be told apart better than its plan allows';

describe('mechanismConformance finds', () => {
  it('nothing in a sound mechanism', async () => {
    expect(await failures(sound)).toEqual([]);
  });

  it('half the noise', async () => {
    const half = broken((release, users) => ({
      ...release,
      value: users.length + (release.value - users.length) / 2,
    }));
    expect(await failures(half)).toEqual([LOSS]);
  });

  it('a hole that one of the neighbours alone can fill', async () => {
    const holed = broken((release, users) =>
      release.value === 3 && users.length === 1 ? { ...release, value: 2 } : release,
    );
    expect(await failures(holed)).toContain(LOSS);
  });

  it('a sensitivity under the wrong relation', async () => {
    const replaced: MechanismSubject<Users, number> = {
      ...sound,
      release: (users, random) => {
        const claimed = dpSum(users, {
          ...options,
          lowerBound: -1,
          upperBound: 1,
          ...(random && { random }),
        });
        return { ...claimed, plan: { ...claimed.plan, relation: 'replace-one-user' } };
      },
      neighbours: [[[[1]], [[-1]]]],
      truth: (users) => users.reduce((sum, [x]) => sum + (x as number), 0),
    };
    expect(await failures(replaced)).toEqual([LOSS]);
  });

  it('an interval that is too narrow', async () => {
    const narrow = broken((release) => ({
      ...release,
      error: { ...release.error, halfWidth: 1 },
    }));
    expect(await failures(narrow)).toEqual([INTERVAL]);
  });

  it('a plan that depends on the data', async () => {
    const telling = broken((release, users) => ({
      ...release,
      plan: { ...release.plan, event: { kind: 'gaussian', noiseMultiplier: users.length } },
    }));
    expect(await failures(telling)).toContain(SAME_PLAN);
  });

  it('a seeded release that passes for a secure one', async () => {
    const careless = broken((release) => ({ ...release, insecure: false }));
    expect(await failures(careless)).toEqual([INSECURE]);
  });

  it('noise of its own making', async () => {
    const stubborn: MechanismSubject<Users, number> = {
      ...sound,
      release: (users, random?: RandomSource) => ({
        ...sound.release(users),
        insecure: random !== undefined,
      }),
    };
    expect(await failures(stubborn)).toEqual([SOURCE]);
  });

  it('bad data that is let in', async () => {
    expect(await failures({ ...sound, refused: [[[1]]] })).toEqual([
      'refuses bad data with a code',
    ]);
  });
});
