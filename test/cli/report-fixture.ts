import type {
  QuickstartResult,
  RoundReport,
  SceneResult,
  SweepPoint,
} from '../../src/cli/quickstart/result.ts';
import { SeededRandom } from '../../src/core/seeded-random.ts';

const ROUNDS = 20;

const STATEMENT = [
  'Unit of protection: one user; neighbours: zero-out-one-user.',
  'Epsilon at most 1.000 at delta 0.00001 (gdp accountant).',
  'The server: trusted: it sees every clipped update before the noise is added (plain sum, simulation)',
  'Other clients: see the model after each round: the noise protects against them',
  'Readers of the model: see the released models: the noise protects against them',
  'Many accounts of one person: one person holds one account; whoever enrols accounts vouches for that',
  'Bounds chosen without data: features of norm at most 1, by normalisation on the device; updates clipped to norm 1.677.',
  'Not covered: the time a sampler takes; the length of a message; the time at which a client joins.',
].join('\n');

/** A result with the shapes and sizes of a real run; the figures are made up. */
export function exampleResult(): QuickstartResult {
  const random = new SeededRandom('report/fixture');
  const wobble = (width: number): number => (random.uniform() - 0.5) * width;
  const metrics = (precisionAt3: number): SceneResult['metrics'] => ({
    precisionAt3,
    macroAuc: 0.45 + precisionAt3 / 2.4,
    ndcgAt5: 0.12 + precisionAt3 * 0.98,
  });
  const rounds: RoundReport[] = Array.from({ length: ROUNDS }, (_, i) => ({
    round: i + 1,
    cohort: 1061,
    clippedShare: i === 3 ? -0.01 : 0.12 + wobble(0.2),
    clippedShareStddev: 0.065,
    signalToNoise: 1.9 * Math.exp(-i / 9) + 0.4 + wobble(0.25),
    epsilonSoFar: 0.28 + (0.9999 - 0.28) * Math.sqrt((i + 1) / ROUNDS),
    precisionAt3: 0.572 - 0.05 * Math.exp(-i / 4) + wobble(0.006),
  }));
  const baselines = (shift: number): SceneResult['baselines'] => ({
    popularity: metrics(0.489 + shift),
    ownHistory: metrics(0.566 + shift),
    nonPrivate: metrics(0.587 + shift),
  });
  const federated: SceneResult = {
    scene: 'morning',
    method: 'fedavg',
    asked: 1061,
    refused: 0,
    refusal: null,
    cohort: 1061,
    rounds,
    epsilon: 0.99996,
    metrics: metrics(0.5719),
    baselines: baselines(0),
    statement: STATEMENT,
  };
  const single = (cohort: number): RoundReport => ({
    round: 1,
    cohort,
    clippedShare: null,
    clippedShareStddev: null,
    signalToNoise: 3.417,
    epsilonSoFar: 0.99996,
    precisionAt3: 0.54,
  });
  const oneShot: SceneResult = {
    ...federated,
    scene: 'midday',
    method: 'one-shot',
    asked: 1048,
    cohort: 1048,
    rounds: [single(1048)],
    metrics: metrics(0.5437),
    baselines: baselines(-0.004),
  };
  const refusing: SceneResult = {
    ...oneShot,
    scene: 'afternoon',
    asked: 1057,
    refused: 679,
    refusal:
      '679 of 1057 accounts would pass the limit user-total: 1.462 spent, 1 asked, 1.5 allowed; nothing was booked',
    cohort: 378,
    rounds: [single(378)],
    metrics: metrics(0.4862),
    baselines: baselines(0.003),
  };
  const sweep: SweepPoint[] = [0.5, 1, 2, 4, 8, Number.POSITIVE_INFINITY].flatMap((epsilon) => [
    {
      method: 'fedavg' as const,
      epsilon,
      mean: 0.587 - 0.018 / epsilon,
      sd: Number.isFinite(epsilon) ? 0.009 / Math.sqrt(epsilon) : 0,
    },
    {
      method: 'one-shot' as const,
      epsilon,
      mean: 0.582 - 0.031 / epsilon,
      sd: Number.isFinite(epsilon) ? 0.013 / Math.sqrt(epsilon) : 0,
    },
    {
      method: 'one-shot-without-prior' as const,
      epsilon,
      mean: 0.58 - 0.06 / epsilon,
      sd: Number.isFinite(epsilon) ? 0.015 / Math.sqrt(epsilon) : 0,
    },
  ]);
  const scatter = Array.from({ length: 1500 }, () => {
    const plain = -0.2 + 1.5 * random.uniform() ** 3;
    return { plain, encrypted: plain + wobble(0.004) };
  });
  return {
    out: '/home/somebody/velatura-quickstart',
    seconds: 41.3,
    data: {
      customers: 1952,
      evaluation: 488,
      clients: 1464,
      refusedConsent: 151,
      enrolled: { morning: 1061, midday: 1048, afternoon: 1057 },
      enrolledInAll: 679,
      events: { offered: 46_180, admitted: 33_262, refused: { 'consent-missing': 12_918 } },
    },
    limits: { delta: 1e-5, user: 1.5, scenes: { morning: 1, midday: 1, afternoon: 1 } },
    scenes: [federated, oneShot, refusing],
    budget: {
      accounts: 1301,
      epsilonMax: 1.4617,
      epsilonMean: 1.2914,
      epsilonByScene: { morning: 0.99996, midday: 0.99996, afternoon: 0.99996 },
      histogram: {
        edges: Array.from({ length: 16 }, (_, i) => i * 0.1),
        counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 187, 0, 0, 0, 0, 1114],
      },
      logEntries: 74,
      head: '8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d',
    },
    sweep: { scene: 'morning', repeats: 5, points: sweep, popularity: 0.489, ownHistory: 0.566 },
    scoring: {
      items: 3877,
      dimensions: 16,
      parameters: 'bfv-2048-268369921-786433',
      upBytes: 122_944,
      matrixBytes: 73_663,
      downBytes: 27_812,
      encryptMs: 9.41,
      serverMs: 3.27,
      decryptMs: 2.08,
      maxError: 0.00112,
      errorBound: 0.00231,
      recallAt100: 0.98,
      top: TOP_ITEMS.map(([id, name, tags], i) => ({
        rank: i + 1,
        id,
        name,
        tags: tags.split(' '),
        score: 1.2873 - i * 0.043,
        plainScore: 1.2869 - i * 0.0431,
      })),
      scatter,
    },
    explanation: {
      tag: 'candle_light',
      probability: 0.71,
      text: 'The profile holds "candle_light" with probability 0.71.\nMost of it comes from own orders of candle_light before.',
      contributions: [
        { feature: 'candle_light', contribution: 2.431 },
        { feature: '(constant)', contribution: -1.084 },
        { feature: 'kitchen', contribution: -0.372 },
        { feature: 'christmas', contribution: 0.214 },
        { feature: 'signs_frames', contribution: 0.103 },
        { feature: 'toys_kids', contribution: -0.087 },
      ],
      noiseHalfWidth: 0.58,
      mayBeNoise: false,
    },
  };
}

const TOP_ITEMS = [
  ['22804', 'CANDLEHOLDER PINK HANGING HEART', 'candle_light'],
  ['21816', 'CHRISTMAS TREE T-LIGHT HOLDER', 'christmas candle_light'],
  ['20878', 'SET/9 CHRISTMAS T-LIGHTS SCENTED', 'christmas candle_light'],
  ['85123A', 'WHITE HANGING HEART T-LIGHT HOLDER', 'candle_light'],
  ['22178', 'VICTORIAN GLASS HANGING T-LIGHT', 'candle_light'],
  ['84946', 'ANTIQUE SILVER T-LIGHT GLASS', 'candle_light'],
  ['21755', 'LOVE BUILDING BLOCK WORD SIGN', 'signs_frames'],
  ['22171', '3 HOOK PHOTO SHELF ANTIQUE WHITE FRAME', 'signs_frames'],
  ['23355', 'HOT WATER BOTTLE KEEP CALM', 'soft_furnishing'],
  ['22749', 'FELTCRAFT PRINCESS CHARLOTTE DOLL', 'toys_kids'],
] as const;
