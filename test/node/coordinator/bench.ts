import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '@noble/hashes/utils.js';
import { LiveCoordinator } from '../../../src/federated/live/coordinator.ts';
import {
  HttpTransport,
  type HttpTransportOptions,
} from '../../../src/federated/live/http-transport.ts';
import type { LiveClient, LiveClientOptions } from '../../../src/federated/live/live-client.ts';
import {
  type LivePorts,
  MemoryMailbox,
  systemClock,
} from '../../../src/federated/live/live-ports.ts';
import type { LiveTask } from '../../../src/federated/live/live-task.ts';
import type { Bytes } from '../../../src/federated/secagg/crypto.ts';
import { Approvals } from '../../../src/node/coordinator/approvals.ts';
import type { CoordinatorLimits } from '../../../src/node/coordinator/coordinator-app.ts';
import { CoordinatorDatabase } from '../../../src/node/coordinator/coordinator-database.ts';
import {
  type CoordinatorServer,
  type CoordinatorServerOptions,
  serveCoordinator,
} from '../../../src/node/coordinator/coordinator-server.ts';
import { MemberDirectory } from '../../../src/node/coordinator/member-directory.ts';
import { type RoleHolder, tokenDigest } from '../../../src/node/coordinator/roles.ts';
import { openSqliteLiveJournal } from '../../../src/node/coordinator/sqlite-live-journal.ts';
import { openModelFolder } from '../../../src/node/model-folder.ts';
import {
  CRYPTO,
  memberOf,
  openTestBudget,
  partOf,
  ReplayedRandom,
  signingKeyOf,
} from '../../federated/live/fixtures.ts';

export const TOKENS = {
  operator: 'operator-token-operator',
  auditor: 'auditor-token-auditor-x',
  'privacy-officer': 'officer-token-officer-x',
} as const;

/** Limits that no test meets by accident: all its members share one address. */
const WIDE: CoordinatorLimits = { requestsPerSecond: 10_000, burst: 10_000 };

/** A coordinator with a server, in a folder of its own. */
export interface Bench {
  readonly url: string;
  readonly folder: string;
  readonly coordinator: LiveCoordinator;
  readonly members: MemberDirectory;
  readonly server: CoordinatorServer;
  readonly publicKey: Bytes;
  close(): Promise<void>;
}

export async function rolesOfTest(): Promise<readonly RoleHolder[]> {
  const keyOf = async (name: string): Promise<string> =>
    bytesToHex((await signingKeyOf(name)).publicKey);
  return [
    {
      role: 'operator',
      tokenDigest: tokenDigest(TOKENS.operator),
      key: await keyOf('operator'),
    },
    { role: 'auditor', tokenDigest: tokenDigest(TOKENS.auditor), key: null },
    {
      role: 'privacy-officer',
      tokenDigest: tokenDigest(TOKENS['privacy-officer']),
      key: await keyOf('privacy-officer'),
    },
  ];
}

export async function openBench(
  task: LiveTask,
  change: Partial<CoordinatorServerOptions> = {},
  ports: Partial<LivePorts> = {},
): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'velatura-live-'));
  const database = await CoordinatorDatabase.open(join(folder, 'coordinator.sqlite'));
  const signingKey = await signingKeyOf('server');
  const coordinator = await LiveCoordinator.open({
    task,
    journal: openSqliteLiveJournal(database),
    mailbox: new MemoryMailbox(),
    clock: systemClock,
    budget: await openTestBudget(task),
    models: await openModelFolder(join(folder, 'models')),
    crypto: CRYPTO,
    signingKey,
    random: new ReplayedRandom(),
    ...ports,
  });
  const members = new MemberDirectory(database);
  const server = await serveCoordinator({
    coordinator,
    members,
    approvals: new Approvals(database, coordinator.taskDigest),
    roles: await rolesOfTest(),
    crypto: CRYPTO,
    publicKey: signingKey.publicKey,
    port: 0,
    limits: WIDE,
    ...change,
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    ...{ folder, coordinator, members, server, publicKey: signingKey.publicKey },
    async close() {
      await server.close();
      await coordinator.stop();
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The way of one member over HTTP. */
export async function transportOf(
  name: string,
  url: string,
  change: Partial<HttpTransportOptions> = {},
): Promise<HttpTransport> {
  return new HttpTransport({
    url,
    identity: await signingKeyOf(name),
    server: (await signingKeyOf('server')).publicKey,
    crypto: CRYPTO,
    timeout: 5_000,
    ...change,
  });
}

const UNUSED = (): LiveCoordinator => {
  throw new Error('this member has a transport of its own');
};

/** Members that talk HTTP, enrolled where `members` is given. */
export async function httpMembers(
  task: LiveTask,
  count: number,
  url: string,
  members: MemberDirectory | null,
  change: Partial<LiveClientOptions> = {},
): Promise<LiveClient[]> {
  const budget = await openTestBudget(task);
  const clients: LiveClient[] = [];
  for (let i = 0; i < count; i++) {
    const name = `member-${i}`;
    const transport = await transportOf(name, url);
    if (members !== null) {
      const expires = Date.now() + 60_000;
      await transport.enrol(members.invite({ account: null, uses: 1, expires }));
    }
    clients.push(
      await memberOf(name, UNUSED, { transport, budget: partOf(budget, name), ...change }),
    );
  }
  return clients;
}

/** Lets all take steps until the run is over; the first of them may be out of reach in between. */
export async function runClients(
  clients: readonly LiveClient[],
  isOver: () => boolean,
  seconds = 30,
): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  while (!isOver()) {
    if (Date.now() > end) throw new Error('the run did not end in time');
    await Promise.all(
      clients.map((client) =>
        client.step().catch((error: unknown) => {
          if ((error as { code?: string }).code !== 'federated/unreachable') throw error;
        }),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
