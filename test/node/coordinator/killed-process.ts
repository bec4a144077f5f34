import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LiveStatus } from '../../../src/federated/live/coordinator.ts';
import { MemoryLiveJournal } from '../../../src/federated/live/live-journal.ts';
import type { LiveTask } from '../../../src/federated/live/live-task.ts';
import { openExistingBudgetFile } from '../../../src/node/budget-file.ts';
import { CoordinatorDatabase } from '../../../src/node/coordinator/coordinator-database.ts';
import { MemberDirectory } from '../../../src/node/coordinator/member-directory.ts';
import { openTestBudget } from '../../federated/live/fixtures.ts';
import { httpMembers, openBench, runClients, TOKENS } from './bench.ts';
import { followedBy, JournalRandom } from './journal-random.ts';

const PROGRAM = join(import.meta.dirname, 'fixtures/live-coordinator.ts');

/** What a run over processes came to. */
export interface ProcessRun {
  readonly model: string;
  readonly released: number;
  /** Epsilon that the most charged account has spent. */
  readonly spent: number;
  /** How the first process ended. */
  readonly ended: NodeJS.Signals | 'lived';
}

interface Child {
  readonly process: ChildProcess;
  readonly port: number;
}

async function start(folder: string, task: LiveTask, port: number, killAt: string): Promise<Child> {
  const orders = JSON.stringify({ folder, task, port, killAt });
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, orders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => ['']),
  ])) as [Buffer | string];
  return { process: child, port: Number(line) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs a task with five members here and a coordinator there, which dies at that place and is started again. */
export async function runWithProcess(task: LiveTask, killAt: string): Promise<ProcessRun> {
  const folder = await mkdtemp(join(tmpdir(), 'velatura-kill-'));
  const database = await CoordinatorDatabase.open(join(folder, 'coordinator.sqlite'));
  const members = new MemberDirectory(database);
  const port = await freePort();
  let ended: ProcessRun['ended'] = 'lived';
  let child = await start(folder, task, port, killAt);
  if (child.port === 0) {
    // It died before it listened.
    ended = 'SIGKILL';
    child = await start(folder, task, port, '');
  }
  let last: LiveStatus | null = null;
  let restarting: Promise<void> | null = null;
  const watch = (running: Child): void => {
    running.process.once('exit', (_, signal) => {
      if (signal !== 'SIGKILL') return;
      ended = signal;
      restarting = start(folder, task, port, '').then((next) => {
        child = next;
        watch(next);
      });
    });
  };
  watch(child);
  try {
    const url = `http://127.0.0.1:${port}`;
    const clients = await httpMembers(task, 5, url, members);
    const poll = setInterval(async () => {
      const headers = { authorization: `Bearer ${TOKENS.auditor}` };
      const answer = await fetch(`${url}/v1/status`, { headers }).catch(() => null);
      if (answer?.ok === true) last = (await answer.json()) as LiveStatus;
    }, 50);
    try {
      await runClients(clients, () => last?.stage === 'finished');
    } finally {
      clearInterval(poll);
      await restarting;
    }
    const gone = once(child.process, 'exit');
    child.process.kill('SIGTERM');
    await gone;
    const budget = await openExistingBudgetFile(join(folder, 'budget.sqlite'));
    const [everyone] = await budget.summary();
    await budget.close();
    const { model, reports } = last as unknown as LiveStatus;
    const released = reports.filter(({ outcome }) => outcome === 'released').length;
    return { model, released, spent: everyone?.epsilonMax as number, ended };
  } finally {
    child.process.kill('SIGKILL');
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same task without a process and without a kill. */
export async function runHere(task: LiveTask): Promise<Omit<ProcessRun, 'ended'>> {
  const random = new JournalRandom();
  const journal = followedBy(new MemoryLiveJournal(), random);
  const budget = await openTestBudget(task);
  const { coordinator, members, url, close } = await openBench(
    task,
    {},
    { journal, random, budget },
  );
  try {
    const clients = await httpMembers(task, 5, url, members);
    await runClients(clients, () => coordinator.status.stage === 'finished');
    const { model, reports } = coordinator.status;
    const released = reports.filter(({ outcome }) => outcome === 'released').length;
    const [everyone] = await budget.summary();
    return { model, released, spent: everyone?.epsilonMax as number };
  } finally {
    await close();
  }
}
