/**
 * Training kernels: 128-bit SIMD over one imported memory. Addresses and strides are in bytes, counts in
 * numbers; numbers are float32 unless said otherwise. The order of every sum is fixed by the shapes alone.
 *
 * Whole vectors are read even where an operand ends in the middle of one: up to 12 bytes behind an operand
 * must be readable, and fill lanes that are never stored nor summed. Nothing is written outside the results.
 */
export { relu, reluBackward, tanh, tanhBackward } from './training/activations';
export { sigmoid, sigmoidCrossEntropy, softmaxCrossEntropy } from './training/cross-entropy';
export { arenaStart, gemm, gemmTransposed } from './training/gemm';
export { accumulateRows, addRounded, axpy, rowSquaredNorms, scaleRows } from './training/rows';
export { walshHadamard } from './training/walsh-hadamard';
