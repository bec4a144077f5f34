import { checkLength } from './model-checks.ts';

/**
 * Labels of a tag whose levels have an order (never · sometimes · often): one for each step, 1 where the level is
 * beyond it. A sigmoid model trains them as independent tags; a wrong guess one level off costs less than one
 * three levels off (Frank and Hall 2001; Cheng 2008).
 *
 * @param level - 0 … levels − 1
 * @param out - `[levels − 1]`
 * @throws RangeError when the level or the length does not fit
 */
export function levelLabels(level: number, levels: number, out: Float32Array): void {
  checkLevels(levels, out, levels - 1);
  if (!Number.isInteger(level) || level < 0 || level >= levels) {
    throw new RangeError(`"level" expected an integer from 0 to ${levels - 1}`);
  }
  for (let step = 0; step < levels - 1; step++) out[step] = level > step ? 1 : 0;
}

/**
 * Probabilities of the levels from those of the steps. Steps trained apart may contradict each other; a later one
 * then counts for no more than those before it.
 *
 * @param steps - probabilities that the level is beyond each step, `[levels − 1]`
 * @param out - adds up to 1, `[levels]`
 * @throws RangeError when a length does not fit
 */
export function levelProbabilities(steps: Float32Array, out: Float32Array): void {
  checkLevels(steps.length + 1, out, steps.length + 1);
  let reached = 1;
  for (let step = 0; step < steps.length; step++) {
    const beyond = Math.min(reached, steps[step] as number);
    out[step] = reached - beyond;
    reached = beyond;
  }
  out[steps.length] = reached;
}

function checkLevels(levels: number, out: Float32Array, length: number): void {
  if (!Number.isInteger(levels) || levels < 2) {
    throw new RangeError(`"levels" expected an integer of at least 2, got ${levels}`);
  }
  checkLength('out', out, length);
}
