import { VelaturaError } from '../../core/errors.ts';

/** What the id of a round says, so that whoever signs for the id signs for all of it. */
export interface RoundName {
  readonly taskId: string;
  readonly round: number;
  /** 32 hexadecimal digits that no other round has. */
  readonly nonce: string;
  readonly taskDigest: string;
  /** Hexadecimal SHA-256 of the model file that the round starts from. */
  readonly model: string;
}

const NAME =
  /^([a-zA-Z0-9-]{1,64})\/([1-9]\d{0,9})\/([0-9a-f]{32})\/([0-9a-f]{64})\/([0-9a-f]{64})$/;

/** The id of a round. */
export function writeRoundName({ taskId, round, nonce, taskDigest, model }: RoundName): string {
  return [taskId, round, nonce, taskDigest, model].join('/');
}

/** @throws {VelaturaError} `federated/invalid-request` for what is no id of a round */
export function readRoundName(id: string): RoundName {
  const parts = NAME.exec(id);
  if (parts === null) {
    throw new VelaturaError('federated/invalid-request', 'expected the id of a round');
  }
  const [, taskId, round, nonce, taskDigest, model] = parts as unknown as readonly string[];
  return {
    ...{ taskId: taskId as string, round: Number(round), nonce: nonce as string },
    ...{ taskDigest: taskDigest as string, model: model as string },
  };
}
