import type { Kernels } from '../src/core/kernels/kernels.ts';
import { PlainKernels } from '../src/core/kernels/plain.ts';
import { selectKernels } from '../src/core/kernels/select.ts';
import { LogisticModel, MultilayerPerceptron, type Trainable } from '../src/federated/index.ts';
import { type BenchRow, type BenchSuite, row } from './suite.ts';
import { tiledGemm } from './tiled-gemm.ts';

/** Time for one row of the report, shared by both sides. */
const MILLISECONDS = 600;
/** Rounds short enough that some fall between the interruptions of a busy machine. */
const ROUND_MILLISECONDS = 2;

const GEMM_SHAPES = [
  { rows: 10, columns: 64, inner: 128 },
  { rows: 10, columns: 128, inner: 64 },
  { rows: 32, columns: 64, inner: 128 },
  { rows: 256, columns: 10, inner: 128 },
  { rows: 256, columns: 128, inner: 784 },
  { rows: 256, columns: 256, inner: 256 },
] as const;

/** The training kernels on one thread, beside plain loops in the same run; best rounds of both. */
export const kernels: BenchSuite = async (log) => {
  const fast = selectKernels();
  const plain = new PlainKernels();
  const rows: BenchRow[] = [];
  const report = (entry: BenchRow): void => {
    rows.push(entry);
    const ratio = entry.ratio === null ? '' : `, ratio ${entry.ratio.toFixed(2)}`;
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}${ratio}`);
  };
  for (const shape of GEMM_SHAPES) for (const entry of gemmRows(fast, shape)) report(entry);
  for (const entry of elementRows(fast, plain)) report(entry);
  for (const entry of clientRows(fast, plain)) report(entry);
  for (const entry of clippingRows(fast)) report(entry);
  return rows;
};

/** Best time of one call of each, in milliseconds; rounds alternate so that both see the same machine. */
function best(...calls: (() => void)[]): number[] {
  const repeats = calls.map((call) => {
    let count = 1;
    for (;;) {
      const started = performance.now();
      for (let i = 0; i < count; i++) call();
      if (performance.now() - started > ROUND_MILLISECONDS) return count;
      count *= 2;
    }
  });
  const least = calls.map(() => Infinity);
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end) {
    calls.forEach((call, which) => {
      const count = repeats[which] as number;
      const started = performance.now();
      for (let i = 0; i < count; i++) call();
      const taken = (performance.now() - started) / count;
      least[which] = Math.min(least[which] as number, taken);
    });
  }
  return least;
}

function gemmRows(fast: Kernels, shape: (typeof GEMM_SHAPES)[number]): BenchRow[] {
  const { rows, columns, inner } = shape;
  const workspace = fast.workspace();
  const a = random(workspace.float32(rows * inner));
  const b = random(workspace.float32(inner * columns));
  const out = workspace.float32(rows * columns);
  const [outsideA, outsideB, outsideOut] = [a.slice(), b.slice(), out.slice()] as const;
  const [nn, tn, nt, tiled] = best(
    () => fast.gemmNN(shape, a, b, out, 'zero'),
    () => fast.gemmTN(shape, a, b, out, 'zero'),
    () => fast.gemmNT(shape, a, b, out, 'zero'),
    () => tiledGemm(shape, outsideA, outsideB, outsideOut),
  ) as [number, number, number, number];
  workspace.free();
  const operations = 2 * rows * columns * inner;
  const speed = (milliseconds: number): number => operations / milliseconds / 1e6;
  const size = `${rows}×${inner}·${inner}×${columns}`;
  const note = `baseline: 4 × 4 tiles without vectors; kernels: ${fast.name}`;
  return (
    [
      ['NN', nn],
      ['TN', tn],
      ['NT', nt],
    ] as const
  ).map(([order, time]) =>
    row(`gemm ${order} ${size}`, speed(time), 'GFLOP/s', speed(tiled), { note }),
  );
}

/** 64 k numbers: they stay in the second-level cache. */
const LENGTH = 65_536;
const ROW_SHAPE = { rows: 256, columns: 256 } as const;

function elementRows(fast: Kernels, plain: Kernels): BenchRow[] {
  const calls = (on: Kernels): (readonly [string, () => void])[] => {
    const workspace = on.workspace();
    const x = random(workspace.float32(LENGTH));
    const y = random(workspace.float32(LENGTH));
    const labels = workspace.float32(LENGTH).map((_, i) => i & 1);
    const reached = workspace.resident(labels);
    const scales = workspace.float32(ROW_SHAPE.rows).fill(1);
    const sum = workspace.float32(ROW_SHAPE.columns);
    const norms = new Float64Array(ROW_SHAPE.rows);
    return [
      ['axpy', () => on.axpy(1e-9, x, y)],
      ['squared norms of 256 rows', () => on.rowSquaredNorms(ROW_SHAPE, x, norms)],
      ['scale 256 rows', () => on.scaleRows(ROW_SHAPE, y, scales)],
      ['accumulate 256 scaled rows', () => on.accumulateRows(ROW_SHAPE, x, scales, sum)],
      // Residuals become the next logits: numbers in [−1, 1] of either sign.
      ['sigmoid cross-entropy', () => on.sigmoidCrossEntropy(y, reached, 1)],
      ['tanh', () => on.tanh(y)],
      ['ReLU backward', () => on.reluBackward(x, y)],
      ['softmax cross-entropy', () => on.softmaxCrossEntropy(ROW_SHAPE, y, reached, 1)],
      ['Walsh–Hadamard, blocks of 4,096', () => on.walshHadamard(4_096, x, 1 / 64)],
    ];
  };
  const slow = calls(plain);
  return calls(fast).map(([name, call], i) => {
    const [value, baseline] = best(call, slow[i]?.[1] as () => void) as [number, number];
    const speed = (milliseconds: number): number => LENGTH / milliseconds / 1e3;
    return row(`${name}, ${LENGTH} numbers`, speed(value), 'million numbers/s', speed(baseline), {
      note: `baseline: plain kernels; kernels: ${fast.name}`,
    });
  });
}

const CLIENT = { examples: 50, batch: 10, inputs: 128, outputs: 64, clippingNorm: 0.5 } as const;

interface ModelForm {
  readonly name: string;
  readonly create: (kernels: Kernels) => Trainable;
}

const LOGISTIC: ModelForm = {
  name: '128 → 64 logistic',
  create: (kernels) => new LogisticModel({ inputDimension: 128, outputDimension: 64, kernels }),
};
const CLIENT_PERCEPTRON: ModelForm = {
  name: '128 → 128 → 64 perceptron',
  create: (kernels) =>
    new MultilayerPerceptron({
      ...{ inputDimension: 128, hidden: [128], outputDimension: 64, activation: 'relu' },
      ...{ loss: 'sigmoid', seed: 1, kernels },
    }),
};
const DIGIT_PERCEPTRON: ModelForm = {
  name: '784 → 128 → 10 perceptron',
  create: (kernels) =>
    new MultilayerPerceptron({
      ...{ inputDimension: 784, hidden: [128], outputDimension: 10, activation: 'relu' },
      ...{ loss: 'softmax', seed: 1, kernels },
    }),
};

/**
 * Local training of one client: an epoch of 50 examples × 128 features × 64 tags in batches of 10, clipping of
 * the change and its sum. No sampling, ingestion or noise.
 */
function clientRows(fast: Kernels, plain: Kernels): BenchRow[] {
  return [LOGISTIC, CLIENT_PERCEPTRON].flatMap((form) => {
    const [resident, foreign] = best(
      clientEpoch(fast, form, true),
      clientEpoch(fast, form, false),
    ) as [number, number];
    // On its own: it is so slow that it would leave the others few rounds.
    const [slow] = best(clientEpoch(plain, form, false)) as [number];
    const name = `50 examples × ${form.name}, batch 10, clipped and summed`;
    const note = `baseline: the same with plain kernels; kernels: ${fast.name}`;
    return [
      row(`${name}, in a workspace`, 1e3 / resident, 'clients/s', 1e3 / slow, { note }),
      row(`${name}, ordinary arrays`, 1e3 / foreign, 'clients/s', 1e3 / slow, { note }),
    ];
  });
}

function clientEpoch(on: Kernels, form: ModelForm, resident: boolean): () => void {
  const { examples, batch, inputs, outputs, clippingNorm } = CLIENT;
  const workspace = on.workspace();
  const array = (length: number): Float32Array =>
    resident ? workspace.float32(length) : new Float32Array(length);
  const model = form.create(on);
  const start = random(array(model.parameterCount));
  const parameters = array(model.parameterCount);
  const sum = array(model.parameterCount);
  const scale = array(1);
  const norm = new Float64Array(1);
  const features = random(array(examples * inputs));
  const labels = array(examples * outputs);
  for (let i = 0; i < labels.length; i++) labels[i] = i % 3 === 0 ? 1 : 0;
  const batches = Array.from({ length: examples / batch }, (_, i) => ({
    rows: batch,
    features: features.subarray(i * batch * inputs, (i + 1) * batch * inputs),
    labels: labels.subarray(i * batch * outputs, (i + 1) * batch * outputs),
  }));
  const whole = { rows: 1, columns: model.parameterCount };
  return () => {
    parameters.set(start);
    for (const part of batches) model.descend?.(parameters, part, 0.1 / batch);
    on.axpy(-1, start, parameters);
    on.rowSquaredNorms(whole, parameters, norm);
    scale[0] = Math.min(1, clippingNorm / Math.sqrt(norm[0] as number));
    on.accumulateRows(whole, parameters, scale, sum);
  };
}

const CLIPPED_ROWS = 256;

/** Sums of clipped gradients of 256 examples, beside sums of the same gradients as they are. */
function clippingRows(fast: Kernels): BenchRow[] {
  return [LOGISTIC, DIGIT_PERCEPTRON].map((form) => {
    const { clipped, unclipped } = clippedSum(fast, form);
    const [value, baseline] = best(clipped, unclipped) as [number, number];
    const speed = (milliseconds: number): number => (1e3 * CLIPPED_ROWS) / milliseconds;
    const name = `gradients of ${CLIPPED_ROWS} examples, ${form.name}, each clipped`;
    return row(name, speed(value), 'examples/s', speed(baseline), {
      note: `baseline: the same without clipping; kernels: ${fast.name}`,
    });
  });
}

function clippedSum(
  on: Kernels,
  form: ModelForm,
): { readonly clipped: () => void; readonly unclipped: () => void } {
  const workspace = on.workspace();
  const model = form.create(on);
  const parameters = random(workspace.float32(model.parameterCount));
  const out = workspace.float32(model.parameterCount);
  const labels = workspace.float32(CLIPPED_ROWS * model.outputDimension);
  for (let i = 0; i < labels.length; i += model.outputDimension) labels[i] = 1;
  const features = random(workspace.float32(CLIPPED_ROWS * model.inputDimension));
  const batch = { rows: CLIPPED_ROWS, features, labels };
  return {
    clipped: () =>
      void model.clippedGradient(parameters, batch, { kind: 'global', norm: 0.5 }, out),
    unclipped: () => void model.gradient(parameters, batch, out),
  };
}

function random(array: Float32Array): Float32Array {
  for (let i = 0; i < array.length; i++) array[i] = Math.random() - 0.5;
  return array;
}
