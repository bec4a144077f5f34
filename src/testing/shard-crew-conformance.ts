import { SeededRandom } from '../core/seeded-random.ts';
import {
  addItems,
  type CatalogueOptions,
  collectReply,
  createCatalogue,
  EncryptedScorer,
  HE_PRESETS,
  insecureNoOpProvider,
  type ScoringCatalogue,
  ScoringClient,
  type ShardCrew,
  ShardedScorer,
} from '../he/index.ts';
import { type ConformanceCase, check, errorCode } from './conformance.ts';

const DIMENSIONS = 3;
const ITEMS = 5000;
const INSECURE = { allowInsecure: true } as const;

/**
 * What every `ShardCrew` must do. Toy parameters, so that many small blocks are a catalogue.
 *
 * @param crew - the subject; it is closed by the last case
 */
export function shardCrewConformance(crew: ShardCrew): readonly ConformanceCase[] {
  const random = new SeededRandom('shard-crew');
  const vectors = (count: number): Float32Array =>
    Float32Array.from({ length: count * DIMENSIONS }, () => random.uniform() / 2);
  const catalogueOf = (items: number, options: Partial<CatalogueOptions> = {}): ScoringCatalogue =>
    createCatalogue({
      parameters: HE_PRESETS.insecureToy,
      items: vectors(items),
      dimensions: DIMENSIONS,
      itemNormBound: 1,
      profileNormBound: 1,
      coefficientBound: 1,
      ...options,
    });
  const queryTo = ({ description }: ScoringCatalogue): Uint8Array => {
    const client = new ScoringClient({
      provider: insecureNoOpProvider,
      catalogue: description,
      ...INSECURE,
    });
    const { query } = client.encryptProfile(vectors(1));
    client.dispose();
    return query;
  };
  const expected = (catalogue: ScoringCatalogue, query: Uint8Array): Uint8Array =>
    new EncryptedScorer(catalogue, INSECURE).score(query);
  const ask = async (scorer: ShardedScorer, query: Uint8Array): Promise<Uint8Array> =>
    collectReply(await scorer.score(query));
  const same = (got: Uint8Array, wanted: Uint8Array): boolean =>
    got.length === wanted.length && got.every((byte, i) => byte === wanted[i]);
  const answers = async (scorer: ShardedScorer, catalogue: ScoringCatalogue): Promise<void> => {
    const query = queryTo(catalogue);
    check(
      same(await ask(scorer, query), expected(catalogue, query)),
      'not the bytes of one scorer',
    );
  };

  return [
    {
      name: 'gives the bytes of one scorer: one block, many, biases, heads, several features to a ciphertext',
      run: async () => {
        const variants: [number, Partial<CatalogueOptions>][] = [
          [1, {}],
          [ITEMS, {}],
          [600, { biases: new Float32Array(600).fill(0.25), heads: ['click', 'buy'] }],
          [200, { featuresPerCiphertext: 2 }],
        ];
        for (const [items, options] of variants) {
          const catalogue = catalogueOf(items, options);
          await answers(await ShardedScorer.create(catalogue, crew, INSECURE), catalogue);
        }
      },
    },
    {
      name: 'keeps queries that overlap apart',
      run: async () => {
        const catalogue = catalogueOf(ITEMS);
        const scorer = await ShardedScorer.create(catalogue, crew, INSECURE);
        const queries = Array.from({ length: 4 }, () => queryTo(catalogue));
        const replies = await Promise.all(queries.map((query) => ask(scorer, query)));
        replies.forEach((reply, i) => {
          const wanted = expected(catalogue, queries[i] as Uint8Array);
          check(same(reply, wanted), `query ${i} got another reply`);
        });
      },
    },
    {
      name: 'scores a query that is under way on the catalogue of before, and later ones on the next',
      run: async () => {
        const catalogue = catalogueOf(ITEMS);
        const scorer = await ShardedScorer.create(catalogue, crew, INSECURE);
        const query = queryTo(catalogue);
        const underWay = ask(scorer, query);
        const more = addItems(catalogue, vectors(700));
        await scorer.update(more);
        check(same(await underWay, expected(catalogue, query)), 'the query under way was lost');
        await answers(scorer, more);
        const fewer = catalogueOf(100);
        await scorer.update(fewer);
        await answers(scorer, fewer);
      },
    },
    {
      name: 'refuses a malformed query on every shard, and goes on',
      run: async () => {
        const catalogue = catalogueOf(ITEMS);
        const scorer = await ShardedScorer.create(catalogue, crew, INSECURE);
        const bad = queryTo(catalogue);
        bad.fill(0xff, bad.length - 8); // a residue that is not below its prime
        for (let shard = 0; shard < crew.shards; shard++) {
          const code = await errorCode(() => crew.score(shard, bad));
          check(code === 'he/malformed-message', `shard ${shard} answered ${code}`);
        }
        await answers(scorer, catalogue);
      },
    },
    {
      name: 'refuses everything once it is closed',
      run: async () => {
        const catalogue = catalogueOf(100);
        await crew.load(catalogue);
        await crew.close();
        for (const body of [() => crew.score(0, queryTo(catalogue)), () => crew.load(catalogue)]) {
          const code = await errorCode(body);
          check(code === 'he/worker-failed', `answered ${code}`);
        }
      },
    },
  ];
}
