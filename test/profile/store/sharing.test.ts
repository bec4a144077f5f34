import { describe, expect, it } from 'vitest';
import { DAY, order, START } from '../fixtures.ts';
import { evidenceOf, newDevice, openStore, PURPOSE, tagOf } from './fixtures.ts';

describe('two tabs on one profile', () => {
  it('lose no event and count none twice', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const tabs = await Promise.all([openStore(device), openStore(device), openStore(device)]);
    await Promise.all(
      Array.from({ length: 90 }, async (_, i) => {
        const tab = tabs[i % 3];
        // Some together, some apart.
        if (i % 4 === 0) await new Promise((resolve) => setTimeout(resolve, i % 7));
        expect(await tab?.observe(order({ value: 1 }))).toBe('kept');
      }),
    );
    for (const tab of tabs) expect(await evidenceOf(tab, 'kitchen')).toBe(90);
  });

  it('follow what the person decides in one of them', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const [one, two] = [await openStore(device), await openStore(device)];
    await one.observe(order());
    expect(await evidenceOf(two, 'kitchen')).toBe(2);
    await two.scene('live-food').correct('kitchen', false);
    expect(await one.observe(order())).toBe('corrected-by-person');
    expect((await tagOf(one.scene('live-food'), 'kitchen')).correction?.value).toBe(false);
    await one.scene('live-food').withdrawCorrection('kitchen');
    expect(await two.observe(order())).toBe('kept');
  });

  it('erase what the other one is writing at that moment, or what comes after is new', async () => {
    for (let round = 0; round < 20; round++) {
      const device = newDevice();
      device.clock.time = START + DAY;
      const [one, two] = [await openStore(device), await openStore(device)];
      let turns = round;
      device.storage.beforeWrite = async () => {
        for (let i = 0; i < turns; i++) await Promise.resolve();
        turns = (turns * 7 + 3) % 11;
      };
      await one.observe(order({ value: 100 }));
      const writing = one.observe(order({ value: 1 }));
      await two.scene('live-food').erase('kitchen');
      await writing;
      // The event that raced may have come before or after the erasure; the one before it is gone for good.
      expect([0, 1]).toContain(await evidenceOf(two, 'kitchen'));
      expect(await evidenceOf(one, 'kitchen')).toBe(await evidenceOf(two, 'kitchen'));
    }
  });

  it('keep both decisions when both decide', async () => {
    const device = newDevice();
    const [one, two] = [await openStore(device), await openStore(device)];
    await Promise.all([
      one.scene('live-food').correct('baby', false),
      two.scene('live-food').optOut('kitchen'),
      one.scene('live-food').optOut('health-food'),
    ]);
    for (const tab of [one, two]) {
      const choices = (await tab.scene('live-food').choices()).read('live-food', PURPOSE);
      expect([...choices.corrections.keys()]).toEqual(['baby']);
      expect([...choices.optedOut.keys()].sort()).toEqual(['health-food', 'kitchen']);
    }
  });
});
