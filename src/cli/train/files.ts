import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VelaturaError } from '../../core/errors.ts';
import { saveTagModel } from '../../federated/models/tag-model-file.ts';
import { replaceFile } from '../../node/durable-file.ts';
import { makeFolder } from '../input.ts';
import { renderTrainReport } from './report.ts';
import { trainDocument } from './result.ts';
import type { TrainResult } from './run.ts';

/** Files that a run leaves in its folder. */
export interface TrainFiles {
  readonly model: string;
  readonly result: string;
  readonly report: string;
}

/** Where a charged run keeps how far it has come, until it is finished. */
export function checkpointFile(out: string): string {
  return join(out, 'checkpoint.cbor');
}

/** Names of the files in a folder. */
export function trainFiles(out: string): TrainFiles {
  return {
    model: join(out, 'model.safetensors'),
    result: join(out, 'result.json'),
    report: join(out, 'report.html'),
  };
}

/**
 * Makes the folder; one that holds a model is left alone where that model was paid for.
 *
 * @throws {VelaturaError} `data/unwritable`
 */
export function prepareFolder(out: string, paid: boolean): void {
  makeFolder(out);
  const { model } = trainFiles(out);
  if (paid && existsSync(model)) {
    throw new VelaturaError(
      'data/unwritable',
      `${model} is there already and may have been paid for; choose another folder`,
      { file: model },
    );
  }
}

/** Writes model, result and report, the model first: it is what was paid for. */
export async function writeTrainFiles(result: TrainResult, out: string): Promise<TrainFiles> {
  const files = trainFiles(out);
  try {
    await replaceFile(
      files.model,
      saveTagModel({ ...result.run.model, statement: result.statement }),
    );
    const document = { ...trainDocument(result), files };
    await replaceFile(files.result, text(`${JSON.stringify(document, null, 2)}\n`));
    await replaceFile(files.report, text(await renderTrainReport(result)));
  } catch (error) {
    if (error instanceof VelaturaError || !(error instanceof Error && 'syscall' in error))
      throw error;
    throw new VelaturaError(
      'data/unwritable',
      `${out} cannot be written: ${error.message}`,
      { file: out },
      { cause: error },
    );
  }
  return files;
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
