export { decodeRecord } from './log-decoder.ts';
export { encodeRecord } from './log-encoder.ts';
