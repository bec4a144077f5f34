import type { CertifiedLaw } from './certified-law.ts';

/** Their table takes 32 KiB, a first-level cache. */
const SLOT_BITS = 14;
/** A standard deviation has 2⁶ to 2⁷ cells; more of them cost more in rounded-up slots than they save. */
const CELLS_PER_SPREAD_BITS = 6;
/** With at most so many bits for the place inside a cell, one 32-bit word holds a whole proposal. */
const ONE_WORD_LOW_BITS = 10;

/** Spreads for which the cells' arithmetic is exact: shifts under 32 and products under 2⁵³. */
export const TABLE_SPREADS: { readonly least: number; readonly largest: number } = {
  least: 2 ** -20,
  largest: 2 ** 37,
};

/**
 * An envelope over the magnitudes of a law: equal slots, each of which belongs to one cell or to the tail.
 *
 * The magnitudes are cut into cells of 2^lowBits units of 2^unitExponent. Cell c is under an envelope of
 * constant height `heights[c]`, made of so many slots of equal mass; block i of the tail is under
 * tailHeight · 2^(−i).
 */
export interface CellTable {
  readonly law: CertifiedLaw;
  /** 32-bit words that a proposal takes; with two of them the place inside the cell has its own. */
  readonly wordsPerProposal: 1 | 2;
  readonly slotBits: number;
  /** The cell of each slot; the number of cells stands for the tail. */
  readonly cellOfSlot: Uint16Array;
  /** Digits drawn of the uniform number that decides whether a point is kept. */
  readonly headBits: number;
  /** A head under the threshold of its cell is certainly kept; the last entry, for the tail, is 0. */
  readonly thresholds: Uint32Array;
  readonly heights: Float64Array;
  readonly lowBits: number;
  readonly unitExponent: number;
  readonly tailHeight: number;
  /** log₂ of the units in one block of the tail. */
  readonly tailBits: number;
}

/**
 * Builds the envelope of a law. Doubles choose it, so every bound carries the law's relative error.
 * Proof: `certified-cells.proof.md`.
 *
 * @param law - of a spread in {@link TABLE_SPREADS}
 * @param slotBits - from 8 to 14; few slots leave much to the tail, which tests want
 */
export function buildCellTable(law: CertifiedLaw, slotBits: number = SLOT_BITS): CellTable {
  const slots = 2 ** slotBits;
  const fine = Math.floor(Math.log2(law.spread)) - CELLS_PER_SPREAD_BITS;
  const widthExponent = law.continuous ? fine : Math.max(0, fine);
  const unitExponent = law.continuous ? Math.min(widthExponent, -1) : 0;
  const lowBits = widthExponent - unitExponent;
  const wordsPerProposal = lowBits <= ONE_WORD_LOW_BITS ? 1 : 2;
  // What slot and sign leave over, and the place inside the cell where it shares the word.
  const headBits = 31 - slotBits - (wordsPerProposal === 1 ? lowBits : 0);
  const width = 2 ** widthExponent;
  const upper = (point: number): number => law.weight(point) * (1 + law.relativeError);
  const lower = (point: number): number => law.weight(point) * (1 - law.relativeError);

  // The most and the least that the weight may be in each cell, until a cell deserves less than a slot.
  const most: number[] = [];
  const least: number[] = [];
  for (let total = 0; ; ) {
    const left = most.length * width;
    const right = left + (law.continuous ? width : width - 1);
    // The weight falls but for the halved one of the integer 0, which its neighbour may pass.
    const top = Math.max(upper(left), upper(Math.min(left + 1, right)));
    if (most.length > 0 && top * slots < total) break;
    most.push(top);
    least.push(Math.min(lower(left), lower(right)));
    total += top;
  }
  const cells = most.length;

  // Over a block the weight at least halves; its logarithm is concave, so it does over every later block.
  const tailStart = cells * width;
  let blockBits = 0;
  while (!(2 * upper(tailStart + width * 2 ** blockBits) <= lower(tailStart))) blockBits++;
  const tailMass = 2 * upper(tailStart) * 2 ** blockBits;

  const slotMass = smallestSlotMass([...most, tailMass], slots);
  const cellOfSlot = new Uint16Array(slots);
  const heights = new Float64Array(cells);
  const thresholds = new Uint32Array(cells + 1);
  let slot = 0;
  for (let cell = 0; cell < cells; cell++) {
    const count = Math.ceil((most[cell] as number) / slotMass);
    heights[cell] = count * slotMass;
    thresholds[cell] = Math.floor(
      ((least[cell] as number) / (heights[cell] as number)) * 2 ** headBits,
    );
    cellOfSlot.fill(cell, slot, slot + count);
    slot += count;
  }
  // Slots left over raise the tail's envelope.
  cellOfSlot.fill(cells, slot);
  const tailHeight = ((slots - slot) * slotMass) / 2 ** (blockBits + 1);
  return {
    law,
    wordsPerProposal,
    slotBits,
    cellOfSlot,
    headBits,
    thresholds,
    heights,
    lowBits,
    unitExponent,
    tailHeight,
    tailBits: lowBits + blockBits,
  };
}

/** A mass of few binary digits, so that its small multiples are exact, at which all masses fit the slots. */
function smallestSlotMass(masses: readonly number[], slots: number): number {
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const grain = 2 ** (Math.floor(Math.log2(total / slots)) - 16);
  const fits = (grains: number): boolean =>
    masses.reduce((sum, mass) => sum + Math.ceil(mass / (grains * grain)), 0) <= slots;
  let low = Math.floor(total / slots / grain) - 1;
  let high = 2 * low;
  while (!fits(high)) high *= 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high * grain;
}
