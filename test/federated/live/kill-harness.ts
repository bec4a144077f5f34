import type { PrivacyBudgetAccountant } from '../../../src/dp/index.ts';
import { LiveCoordinator } from '../../../src/federated/live/coordinator.ts';
import type { LiveClient } from '../../../src/federated/live/live-client.ts';
import type { LivePorts } from '../../../src/federated/live/live-ports.ts';
import type { LiveTask } from '../../../src/federated/live/live-task.ts';
import {
  freshRemains,
  memberOf,
  newestModel,
  openTestBudget,
  partOf,
  portsOver,
  type Remains,
  ReplayedRandom,
  settled,
} from './fixtures.ts';

/** Counts what reaches the world, and lets nothing through from some point on. */
class Killer {
  readonly dieAt: number;
  points = 0;
  /** What was about to happen, or had just happened. */
  place = '';

  constructor(dieAt: number) {
    this.dieAt = dieAt;
  }

  get dead(): boolean {
    return this.points > this.dieAt;
  }

  point(place: string): void {
    if (this.points++ < this.dieAt) return;
    this.place ||= place;
    throw new Error(`killed at ${this.place}`);
  }

  /** Dies before each call of these methods, or after it. */
  wrap<T extends object>(name: string, target: T, methods: readonly (keyof T)[]): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value: unknown = Reflect.get(object, property, object);
        if (typeof value !== 'function') return value;
        const call = value.bind(object) as (...args: unknown[]) => unknown;
        if (!methods.includes(property as keyof T)) return call;
        return async (...args: unknown[]) => {
          this.point(`before ${name}.${String(property)}`);
          const result = await call(...args);
          this.point(`after ${name}.${String(property)}`);
          return result;
        };
      },
    });
  }
}

async function fragilePorts(remains: Remains, task: LiveTask, killer: Killer): Promise<LivePorts> {
  const random = new ReplayedRandom();
  const ports = await portsOver(remains, task, { random });
  const journal = killer.wrap('journal', ports.journal, ['append', 'compact']);
  return {
    ...ports,
    journal: {
      durable: false,
      read: async () => {
        const entries = await journal.read();
        random.restartAt(String(remains.entries.entries.length));
        return entries;
      },
      append: async (entry) => {
        await journal.append(entry);
        random.restartAt(String(remains.entries.entries.length));
      },
      compact: (entry) => journal.compact(entry),
      close: () => journal.close(),
    },
    budget: killer.wrap<PrivacyBudgetAccountant>('budget', ports.budget, [
      'reserve',
      'commit',
      'release',
    ]),
    models: killer.wrap('models', ports.models, ['putFile', 'append']),
  };
}

/** What a run came to. */
export interface KilledRun {
  readonly model: string;
  readonly spent: string;
  readonly points: number;
  readonly places: readonly string[];
}

/** Runs a task to its end, with a coordinator that dies at that point and another that takes up. */
export async function runThrough(task: LiveTask, dieAt: number): Promise<KilledRun> {
  const remains = await freshRemains(task);
  // One for all of them: opening budgets takes longer than the rounds.
  const budget = await openTestBudget(task);
  let killer = new Killer(dieAt);
  const places: string[] = [];
  let coordinator: LiveCoordinator | null = null;
  const members: LiveClient[] = [];
  for (let turns = 0; turns < 200; turns++) {
    if (coordinator === null || killer.dead) {
      if (killer.dead) {
        places.push(killer.place);
        killer = new Killer(Number.POSITIVE_INFINITY);
      }
      try {
        coordinator = await LiveCoordinator.open(await fragilePorts(remains, task, killer));
      } catch (error) {
        if (!killer.dead) throw error;
        continue;
      }
    }
    const running: LiveCoordinator = coordinator;
    while (members.length < 5) {
      const name = `member-${members.length}`;
      const part = { budget: partOf(budget, name) };
      members.push(await memberOf(name, () => coordinator as LiveCoordinator, part));
    }
    await settled(running);
    if (running.status.stage === 'finished') {
      const lines = await remains.budget.remaining('member-0', task.scene);
      await running.stop();
      return {
        model: await newestModel(running),
        spent: JSON.stringify(lines.map(({ spent }) => spent)),
        points: killer.points,
        places,
      };
    }
    for (const member of members) {
      await member.step().catch((error: unknown) => {
        if (!killer.dead) throw error;
      });
    }
    await settled(running);
    if (!killer.dead && ['selecting', 'idle'].includes(running.status.stage)) remains.clock.skip();
  }
  throw new Error(`the run did not end (${places.join()})`);
}
