/** The most features a catalogue may have: up to here kernels add products without reducing in between. */
export const MAX_FEATURES = 1024;

/** The most items of one catalogue. */
export const MAX_ITEMS: number = 2 ** 24;
