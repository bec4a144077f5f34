import { describe, expect, it } from 'vitest';
import {
  RETAIL_CUT_OFF,
  RETAIL_SCENES,
  readRetailEvents,
  readRetailItems,
  readRetailProfiles,
} from '../../src/node/index.ts';

describe('the shipped data', () => {
  const profiles = readRetailProfiles();
  const events = readRetailEvents();
  const items = readRetailItems();

  it('has the documented shape', () => {
    expect(profiles.users.length).toBe(1952);
    expect(profiles.tags.length).toBe(15);
    expect(events.length).toBe(115_980);
    expect(items.length).toBe(3877);
    expect(events.every((event) => RETAIL_SCENES.some((scene) => scene === event.scene))).toBe(
      true,
    );
  });

  it('has a mean label density of 0.257, as its README says', () => {
    const density = profiles.labels.reduce((sum, label) => sum + label, 0) / profiles.labels.length;
    expect(density).toBeCloseTo(0.257, 3);
  });

  it('agrees with itself: counts of profiles are the events before the cut-off', () => {
    const row = new Map(profiles.users.map((user, i) => [user, i]));
    const width = profiles.tags.length;
    const counts = new Float32Array(profiles.counts.length);
    for (const event of events) {
      const user = row.get(event.user);
      if (user === undefined || event.time >= RETAIL_CUT_OFF) continue;
      const at = user * width + profiles.tags.indexOf(event.tag);
      counts[at] = (counts[at] as number) + event.value;
    }
    expect(counts).toEqual(profiles.counts);
  });

  it('has items of known tags only', () => {
    expect(items.every((item) => item.tags.every((tag) => profiles.tags.includes(tag)))).toBe(true);
  });
});
