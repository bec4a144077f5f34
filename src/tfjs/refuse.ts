import { VelaturaError } from '../core/errors.ts';

/** A refusal of a model whose gradients would be wrong or cannot be computed. */
export function unsupportedModel(reason: string): VelaturaError {
  return new VelaturaError('tfjs/unsupported-model', `the model cannot be trained: ${reason}`, {
    reason,
  });
}
