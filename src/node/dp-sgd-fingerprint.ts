import { probeModel } from '../federated/example-level/model-probe.ts';
import { type RunMemory, type RunSettings, VALUES } from '../federated/example-level/run-memory.ts';
import { stepClip } from '../federated/example-level/step-member.ts';
import type { Trainable } from '../federated/models/trainable.ts';
import { nodeSha256 } from './sha256.ts';

/** SHA-256, in hexadecimal, of what a model makes of a public batch under the first clip of a run. */
export function modelFingerprint(
  model: Trainable,
  settings: RunSettings,
  memory: RunMemory,
): string {
  const clip = stepClip(settings, memory.values[VALUES.clippingNorm] as number);
  return Buffer.from(nodeSha256(probeModel(model, clip))).toString('hex');
}
