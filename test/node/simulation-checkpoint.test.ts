import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type SimulationCheckpoint,
  simulate,
} from '../../src/federated/index.ts';
import { loadSimulationCheckpoint, saveSimulationCheckpoint } from '../../src/node/index.ts';
import { simulationOptions, simulationParts } from './fixtures/simulation-parts.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-simulation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const checkpoint: SimulationCheckpoint = {
  configuration: 'a'.repeat(64),
  round: 3,
  parameters: Float64Array.of(1.5, -0, 5e-324, Number.MAX_VALUE),
  optimiser: { rounds: 3, slots: [Float64Array.of(1, 2, 3, 4), new Float64Array(4)] },
};

describe('a checkpoint', () => {
  it('comes back from its bytes as it was', () => {
    const back = decodeCheckpoint(encodeCheckpoint(checkpoint));
    expect(back).toEqual(checkpoint);
    expect(Object.is(back.parameters[1], -0)).toBe(true);
  });

  it('is refused when any byte of it was changed, or is missing', () => {
    const bytes = encodeCheckpoint(checkpoint);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => decodeCheckpoint(changed)).toThrow(
        expect.objectContaining({ code: 'federated/state-mismatch' }),
      );
      expect(() => decodeCheckpoint(bytes.subarray(0, at))).toThrow(
        expect.objectContaining({ code: 'federated/state-mismatch' }),
      );
    }
  });
});

describe('saveSimulationCheckpoint', () => {
  it('replaces the file and leaves nothing beside it', async () => {
    const path = join(folder, 'replaced');
    expect(await loadSimulationCheckpoint(path)).toBeNull();
    await saveSimulationCheckpoint(path, { ...checkpoint, round: 2 });
    await saveSimulationCheckpoint(path, checkpoint);
    expect(await loadSimulationCheckpoint(path)).toEqual(checkpoint);
    expect(readdirSync(folder)).toEqual(['replaced']);
  });

  it('refuses what is no checkpoint, and places that cannot be written or read', async () => {
    const path = join(folder, 'other');
    writeFileSync(path, 'a shopping list');
    await expect(loadSimulationCheckpoint(path)).rejects.toMatchObject({
      code: 'federated/state-mismatch',
    });
    await expect(loadSimulationCheckpoint(folder)).rejects.toMatchObject({
      code: 'data/missing-file',
    });
    await expect(
      saveSimulationCheckpoint(join(folder, 'missing', 'file'), checkpoint),
    ).rejects.toMatchObject({ code: 'data/unwritable' });
  });

  it('survives a kill at any time: the run goes on to the same bits', async () => {
    const path = join(folder, 'killed');
    const script = new URL('./fixtures/simulation-process.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = await new Promise<number>((resolve, reject) => {
      let output = '';
      child.once('error', reject);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        // In the middle of a later round, or of writing one down.
        if (output.split('\n').length > 5) child.kill('SIGKILL');
      });
      child.once('close', () => resolve(Number(output.trimEnd().split('\n').at(-1))));
    });
    const resumeFrom = await loadSimulationCheckpoint(path);
    if (resumeFrom === null) throw new Error('nothing was saved');
    expect(readFileSync(path)).toEqual(Buffer.from(encodeCheckpoint(resumeFrom)));
    // What was said to be saved was; the round after it may be too.
    expect([said, said + 1]).toContain(resumeFrom.round);

    const rounds = resumeFrom.round + 3;
    const options = { ...simulationOptions(simulationParts({ users: 40 })), rounds };
    const resumed = simulate({ ...options, resumeFrom });
    const whole = simulate(options);
    const ends = await Promise.all(
      [resumed, whole].map(async (run) => {
        for (;;) {
          const step = await run.next();
          if (step.done) return step.value;
        }
      }),
    );
    expect(ends[0]).toEqual(ends[1]);
  });
});
