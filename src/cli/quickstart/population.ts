import { createHash } from 'node:crypto';
import { SeededRandom } from '../../core/seeded-random.ts';
import type { TagTable } from '../../federated/index.ts';
import {
  RETAIL_CUT_OFF,
  RETAIL_SCENES,
  type RetailProfiles,
  type RetailScene,
} from '../../node/online-retail.ts';
import {
  CollectionGate,
  ConsentLedger,
  type ProfileEvent,
  type ProfileSchema,
  smoothedShare,
  sqrtShare,
  tagCounts,
  unitNorm,
} from '../../profile/index.ts';
import type { OwnDevice } from './own-device.ts';
import type { DataSummary } from './result.ts';

/** Fixed seeds and shares of everything that the data does not say and the quickstart makes up. */
export const SIMULATION = {
  splitSeed: 'quickstart/split',
  evaluationShare: 0.25,
  enrolmentSeed: 'quickstart/enrolment',
  /** Of the clients; these agree to nothing. */
  refusalShare: 0.1,
  /** Of the others, independently in each scene. */
  enrolmentShare: 0.8,
} as const;

/** When the simulated people were asked: before the first order of the file. */
const ASKED_AT = Date.UTC(2010, 10, 30);

/** Everyone in the data, split into a public evaluation set and clients behind their gates. */
export interface Population {
  /** Per scene: features and history from what the gates let through; rows as in `profiles`. */
  readonly tables: Readonly<Record<RetailScene, TagTable>>;
  /** Rows of the public evaluation set. */
  readonly evaluationRows: Uint32Array;
  /** Rows of the clients enrolled in the scene. */
  readonly enrolledRows: Readonly<Record<RetailScene, Uint32Array>>;
  readonly summary: DataSummary;
  /** The device of the enrolled client with the longest history in the scene. */
  demonstrationDevice(scene: RetailScene): OwnDevice<RetailScene>;
}

/**
 * Splits the customers, simulates enrolment and consent, and lets every client's own gate take in its events
 * in the order in which they happened.
 */
export function buildPopulation(
  profiles: RetailProfiles,
  events: readonly ProfileEvent[],
  schema: ProfileSchema,
): Population {
  const customers = profiles.users.length;
  const order = new SeededRandom(SIMULATION.splitSeed).permutation(customers);
  const evaluation = Math.round(SIMULATION.evaluationShare * customers);
  const evaluationRows = order.slice(0, evaluation).sort();
  const clientRows = order.slice(evaluation).sort();
  const enrolment = simulateEnrolment(clientRows);

  const clock = { now: ASKED_AT };
  const devices = new Map<string, Device>();
  for (const row of evaluationRows) {
    devices.set(profiles.users[row] as string, openDevice(profiles, row, null, schema, clock));
  }
  for (const row of clientRows) {
    const scenes = enrolment.get(row) ?? [];
    devices.set(profiles.users[row] as string, openDevice(profiles, row, scenes, schema, clock));
  }

  let offered = 0;
  for (const event of [...events].sort((a, b) => a.time - b.time)) {
    const device = devices.get(event.user);
    if (device === undefined || event.time >= RETAIL_CUT_OFF) continue;
    clock.now = event.time;
    if (device.gate === null) device.events.push(event);
    else {
      offered++;
      device.gate.offer(event);
    }
  }

  const clients = [...devices.values()].filter((device) => device.gate !== null);
  const refused: Record<string, number> = {};
  for (const { gate } of clients) {
    for (const [reason, count] of gate?.refusals() ?? [])
      refused[reason] = (refused[reason] ?? 0) + count;
  }
  const enrolledRows = byScene((scene) =>
    clientRows.filter((row) => enrolment.get(row)?.includes(scene) === true),
  );
  const tables = byScene((scene) => sceneTable(profiles, devices, scene));
  return {
    tables,
    evaluationRows,
    enrolledRows,
    summary: {
      customers,
      evaluation,
      clients: clientRows.length,
      refusedConsent: [...enrolment.values()].filter((scenes) => scenes.length === 0).length,
      enrolled: byScene((scene) => enrolledRows[scene].length),
      enrolledInAll: [...enrolment.values()].filter((s) => s.length === RETAIL_SCENES.length)
        .length,
      events: {
        offered,
        admitted: clients.reduce((sum, { gate }) => sum + (gate?.admitted ?? 0), 0),
        refused,
      },
    },
    demonstrationDevice(scene) {
      const length = (row: number): number =>
        devices.get(profiles.users[row] as string)?.events.length ?? 0;
      const row = enrolledRows[scene].reduce((best, next) =>
        length(next) > length(best) ? next : best,
      );
      const { consent } = devices.get(profiles.users[row] as string) as Device;
      if (consent === null) throw new TypeError('an enrolled client has a consent ledger');
      const width = profiles.tags.length;
      const phi = tables[scene].phi.slice(row * width, (row + 1) * width);
      return { scene, consent, phi };
    },
  };
}

/** One person's own store and, for clients, the gate in front of it. */
interface Device {
  readonly events: ProfileEvent[];
  /** Both null in the public evaluation set, which has nothing to protect. */
  readonly gate: CollectionGate | null;
  readonly consent: ConsentLedger | null;
}

function openDevice(
  profiles: RetailProfiles,
  row: number,
  scenes: readonly RetailScene[] | null,
  schema: ProfileSchema,
  clock: { now: number },
): Device {
  const events: ProfileEvent[] = [];
  if (scenes === null) return { events, gate: null, consent: null };
  const person = profiles.users[row] as string;
  const consent = new ConsentLedger({
    schema,
    person,
    // The device's own secret; simulated devices derive it, real ones draw it.
    key: createHash('sha256').update(`${SIMULATION.enrolmentSeed}/${person}`).digest(),
    noticeVersion: 1,
    clock: () => clock.now,
  });
  for (const scene of scenes) {
    consent.grant({
      scope: { tier: 'enhanced', scene },
      purposes: ['recommendation'],
      controller: 'shop',
      expiresAt: Date.UTC(2012, 0, 1),
    });
  }
  const gate = new CollectionGate({
    consent,
    purpose: 'recommendation',
    collect: (event) => events.push(event),
  });
  return { events, gate, consent };
}

function simulateEnrolment(clientRows: Uint32Array): Map<number, RetailScene[]> {
  const random = new SeededRandom(SIMULATION.enrolmentSeed);
  const enrolment = new Map<number, RetailScene[]>();
  for (const row of clientRows) {
    const refuses = random.uniform() < SIMULATION.refusalShare;
    const scenes = RETAIL_SCENES.filter(() => random.uniform() < SIMULATION.enrolmentShare);
    enrolment.set(row, refuses ? [] : scenes);
  }
  return enrolment;
}

function sceneTable(
  profiles: RetailProfiles,
  devices: ReadonlyMap<string, Device>,
  scene: RetailScene,
): TagTable {
  const { users, tags, labels } = profiles;
  const phi = new Float32Array(users.length * tags.length);
  const history = new Float32Array(users.length * tags.length);
  users.forEach((user, row) => {
    const events = (devices.get(user)?.events ?? []).filter((event) => event.scene === scene);
    const counts = tagCounts(events, tags, { scene, before: RETAIL_CUT_OFF });
    phi.set(unitNorm(smoothedShare(counts)), row * tags.length);
    history.set(sqrtShare(counts), row * tags.length);
  });
  return { users, tags, phi, history, labels };
}

function byScene<T>(make: (scene: RetailScene) => T): Record<RetailScene, T> {
  return Object.fromEntries(RETAIL_SCENES.map((scene) => [scene, make(scene)])) as Record<
    RetailScene,
    T
  >;
}
