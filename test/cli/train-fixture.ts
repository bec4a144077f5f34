import { SeededRandom } from '../../src/core/seeded-random.ts';

/** Tags of the made-up shop. */
const TAGS = ['bag', 'hat', 'mug', 'pen'];

/** A shop in which people go on buying what they bought, as CSV. */
export function shopCsv(users: number): string {
  const random = new SeededRandom('shop');
  const rows = Array.from({ length: users }, (_, user) => {
    const counts = TAGS.map((_, tag) =>
      Math.floor(random.uniform() * (tag === user % TAGS.length ? 9 : 3)),
    );
    const labels = counts.map((count) => (random.uniform() < 0.1 + count / 12 ? 1 : 0));
    return [`u${user}`, ...counts, ...labels].join(',');
  });
  const header = ['user', ...TAGS.map((tag) => `n_${tag}`), ...TAGS.map((tag) => `tag_${tag}`)];
  return `${[header.join(','), ...rows].join('\n')}\n`;
}
