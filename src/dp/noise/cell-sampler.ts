import { type RandomSource, uint53 } from '../../core/random-source.ts';
import type { CellTable } from './cell-table.ts';
import { accepts } from './certified-accept.ts';
import { fairRun } from './fair-run.ts';
import { assertMagnitude, largestOf, type NoiseTarget } from './parameters.ts';

/** Proposals drawn at once: the words of a batch stay in the first-level cache. */
const BATCH = 4096;

/**
 * Fills `target` with independent exact samples of the table's law, with random signs. Words of randomness
 * are overwritten with zeros once used. Proof: `certified-cells.proof.md`.
 *
 * @throws {RangeError} when a sample does not fit the target
 */
export function fillFromCells(target: NoiseTarget, table: CellTable, random: RandomSource): void {
  const positions = (table.heights.length + 1) * 2 ** table.lowBits;
  if (positions < 2 ** 31) fillByIntegers(target, table, random);
  else fillByDoubles(target, table, random);
}

/**
 * A proposal of one word holds, from the top: slot, sign, place in the cell, head of the deciding number. With
 * two words the place is at the top of the second one, and the head takes what is left of the first.
 */
function fillByIntegers(target: NoiseTarget, table: CellTable, random: RandomSource): void {
  const { cellOfSlot, thresholds, lowBits, headBits, wordsPerProposal: stride } = table;
  const slotShift = 32 - table.slotBits;
  const signBit = slotShift - 1;
  const headMask = 2 ** headBits - 1;
  const lowShift = stride === 1 ? headBits : 32 - lowBits;
  const lowMask = 2 ** lowBits - 1;
  const fractionBits = -table.unitExponent;
  const half = fractionBits === 0 ? 0 : 2 ** (fractionBits - 1);
  const largest = largestOf(target);
  const words = new Uint32Array(stride * Math.min(target.length, BATCH));
  for (let done = 0; done < target.length; ) {
    const batch = words.subarray(0, Math.min(words.length, stride * (target.length - done)));
    random.fillUint32(batch);
    for (let i = 0; i < batch.length; i += stride) {
      const word = batch[i] as number;
      const cell = cellOfSlot[word >>> slotShift] as number;
      const low = ((batch[i + stride - 1] as number) >>> lowShift) & lowMask;
      const head = word & headMask;
      const sign = -((word >>> signBit) & 1);
      if (head < (thresholds[cell] as number)) {
        const magnitude = ((cell << lowBits) + low + half) >> fractionBits;
        target[done++] = (magnitude ^ sign) - sign;
      } else {
        const magnitude = finish(table, cell, low, head, largest, random);
        if (magnitude >= 0) target[done++] = sign < 0 ? 0 - magnitude : magnitude;
      }
    }
  }
  words.fill(0);
}

/** The same for positions of more than 31 bits; a proposal has two words. */
function fillByDoubles(target: NoiseTarget, table: CellTable, random: RandomSource): void {
  const { cellOfSlot, thresholds, lowBits, headBits } = table;
  const slotShift = 32 - table.slotBits;
  const signBit = slotShift - 1;
  const headMask = 2 ** headBits - 1;
  const lowShift = 32 - lowBits;
  const cellUnits = 2 ** lowBits;
  const unit = 2 ** table.unitExponent;
  const rounding = table.law.continuous ? 0.5 : 0;
  const largest = largestOf(target);
  const words = new Uint32Array(2 * Math.min(target.length, BATCH));
  for (let done = 0; done < target.length; ) {
    const batch = words.subarray(0, Math.min(words.length, 2 * (target.length - done)));
    random.fillUint32(batch);
    for (let i = 0; i < batch.length; i += 2) {
      const word = batch[i] as number;
      const cell = cellOfSlot[word >>> slotShift] as number;
      const low = (batch[i + 1] as number) >>> lowShift;
      const head = word & headMask;
      const magnitude =
        head < (thresholds[cell] as number)
          ? Math.floor((cell * cellUnits + low) * unit + rounding)
          : finish(table, cell, low, head, largest, random);
      if (magnitude < 0) continue;
      target[done++] = ((word >>> signBit) & 1) === 1 ? 0 - magnitude : magnitude;
    }
  }
  words.fill(0);
}

/** The magnitude if the proposal is kept, −1 if the whole draw must start anew. */
function finish(
  table: CellTable,
  cell: number,
  low: number,
  head: number,
  largest: number,
  random: RandomSource,
): number {
  const { law, heights, lowBits, unitExponent, headBits, tailBits } = table;
  let position = cell * 2 ** lowBits + low;
  let height = heights[cell] as number;
  if (cell === heights.length) {
    const block = fairRun(random);
    position =
      cell * 2 ** lowBits +
      block * 2 ** tailBits +
      Math.floor(uint53(random) * 2 ** (tailBits - 53));
    height = table.tailHeight * 2 ** -block;
  }
  if (!accepts(law, { height, position, unitExponent, head, headBits }, random)) return -1;
  const rounding = law.continuous ? 0.5 : 0;
  return assertMagnitude(Math.floor(position * 2 ** unitExponent + rounding), largest);
}
