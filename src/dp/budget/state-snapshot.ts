import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import type { Sha256 } from '../../core/hash-chain.ts';
import type { Population } from './account-classes.ts';
import { currencyOf } from './currency.ts';
import type { Generation } from './generations.ts';
import { decodeHandles, encodeHandles } from './handle-set.ts';
import { KeyTable } from './key-table.ts';
import { Limits } from './limits.ts';
import { decodeRecord, encodeRecord } from './log-codec.ts';
import type { LogRecord, OpenRecord, PlanRecord, RefuseRecord } from './log-record.ts';
import { planKey } from './plan-prices.ts';
import { type BudgetPolicy, validatePolicy } from './policy.ts';
import {
  type Answer,
  isRefusal,
  type ReservationState,
  type ReservationTerms,
  refuseRecordOf,
  rememberedRefusal,
  sameTerms,
} from './reservations.ts';
import { EpochState, type Scope, type Tally } from './scope.ts';
import { BudgetState } from './state.ts';

/** Version of the bytes; another one is not used. */
const VERSION = 1;
/** Numbers go in as this machine holds them: a machine that holds them otherwise must not read them. */
const ENDIANNESS = Float64Array.of(1.5, -(2 ** 40));
const STATUSES = ['open', 'expired', 'committed', 'released'] as const;

type Encoded = unknown;

function bytesOf(array: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function floats(bytes: Encoded): Float64Array {
  return new Float64Array(new Uint8Array(bytes as Uint8Array).buffer); // a copy, also of a Buffer
}

/** −∞ has no place in canonical integers. */
function timeOrNull(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}

function timeOf(time: Encoded): number {
  return time === null ? Number.NEGATIVE_INFINITY : (time as number);
}

function encodeTally({ releases, refused, cost, deltaCost, plans }: Tally): Encoded {
  return [releases, refused, bytesOf(cost), bytesOf(Float64Array.of(deltaCost)), [...plans]];
}

function restoreTally(tally: Tally, encoded: Encoded): void {
  const [releases, refused, cost, deltaCost, plans] = encoded as [
    number,
    number,
    Uint8Array,
    Uint8Array,
    [number, number][],
  ];
  tally.releases = releases;
  tally.refused = refused;
  tally.cost.set(floats(cost));
  tally.deltaCost = floats(deltaCost)[0] as number;
  for (const [plan, uses] of plans) tally.plans.set(plan, uses);
}

function encodeScope({ own, tally, pooled }: Scope): Encoded {
  return [
    [...own.chunks()].map(([index, rows]) => [index, bytesOf(rows)]),
    encodeTally(tally),
    [...pooled].map(([population, sums]) => [population.index, bytesOf(sums)]),
  ];
}

function restoreScope(scope: Scope, encoded: Encoded, populations: readonly Population[]): void {
  const [chunks, tally, pooled] = encoded as [
    [number, Uint8Array][],
    Encoded,
    [number, Uint8Array][],
  ];
  for (const [index, rows] of chunks) scope.own.setChunk(index, floats(rows));
  restoreTally(scope.tally, tally);
  for (const [index, sums] of pooled) {
    scope.pooled.set(populations[index] as Population, floats(sums));
  }
}

function encodeEpoch({ name, total, delta, scenes, models }: EpochState): Encoded {
  const named = (scopes: ReadonlyMap<string, Scope>): Encoded =>
    [...scopes].map(([scope, value]) => [scope, encodeScope(value)]);
  return [name, encodeScope(total), encodeScope(delta), named(scenes), named(models)];
}

function decodeEpoch(
  encoded: Encoded,
  width: number,
  populations: readonly Population[],
): EpochState {
  const [name, total, delta, scenes, models] = encoded as [
    string | null,
    Encoded,
    Encoded,
    [string, Encoded][],
    [string, Encoded][],
  ];
  const epoch = new EpochState(name, width);
  restoreScope(epoch.total, total, populations);
  restoreScope(epoch.delta, delta, populations);
  for (const [scene, scope] of scenes) restoreScope(epoch.scene(scene), scope, populations);
  for (const [model, scope] of models) restoreScope(epoch.model(model), scope, populations);
  return epoch;
}

function encodeReservation(reservation: ReservationState): Encoded {
  const { seq, tag, accounts, expiresAt, fingerprint, status, handle, handles, pool } = reservation;
  const { scene, plan, deltaCost, model, countsModel, insecure, epochs } = reservation.terms;
  return [
    [seq, tag, scene, accounts, expiresAt, fingerprint, STATUSES.indexOf(status), plan],
    [deltaCost, model, countsModel, insecure, handle],
    handles === null ? null : encodeHandles(handles),
    epochs,
    pool === null ? null : [pool.population.index, [...pool.joined], [...pool.left]],
  ];
}

function decodeReservation(
  encoded: Encoded,
  populations: readonly Population[],
  lastTerms: ReservationTerms | null,
): ReservationState {
  const [
    [seq, tag, scene, accounts, expiresAt, fingerprint, status, plan],
    [deltaCost, model, countsModel, insecure, handle],
    handles,
    epochs,
    pool,
  ] = encoded as [
    [number, number, string, number, number, string | null, number, number],
    [number, string | null, boolean, boolean, number],
    Uint8Array | null,
    string[],
    [number, number[], number[]] | null,
  ];
  const terms = { scene, plan, deltaCost, model, countsModel, insecure, epochs };
  return {
    seq,
    tag,
    terms: lastTerms !== null && sameTerms(lastTerms, terms, terms.countsModel) ? lastTerms : terms,
    accounts,
    expiresAt,
    status: STATUSES[status] as ReservationState['status'],
    handle,
    handles: handles === null ? null : decodeHandles(handles),
    pool:
      pool === null
        ? null
        : {
            population: populations[pool[0]] as Population,
            joined: new Set(pool[1]),
            left: new Set(pool[2]),
          },
    fingerprint,
    before: null,
    after: null,
  };
}

function encodeHalf(half: Generation<Answer> | null): Encoded {
  if (half === null) return null;
  const { values, since, first } = half;
  const answers = [...values.entries()].map(([key, answer]) => [
    key,
    isRefusal(answer) ? encodeRecord(refuseRecordOf(answer)) : answer.seq,
  ]);
  return [answers, timeOrNull(since), first];
}

function decodeHalf(
  encoded: Encoded,
  reservations: ReadonlyMap<number, ReservationState>,
): Generation<Answer> | null {
  if (encoded === null) return null;
  const [answers, since, first] = encoded as [
    [string, number | Uint8Array][],
    number | null,
    number,
  ];
  const values = new KeyTable<Answer>();
  for (const [key, answer] of answers) {
    const remembered =
      typeof answer === 'number'
        ? reservations.get(answer)
        : rememberedRefusal(recordOf(answer) as RefuseRecord);
    values.add(key, remembered as Answer);
  }
  return { values, since: timeOf(since), first };
}

function recordOf(bytes: Encoded): LogRecord {
  return decodeRecord({ seq: 0, hash: new Uint8Array(32), body: bytes as Uint8Array });
}

/**
 * The state as bytes, the same in every process that has seen the same log. Account keys are not in it,
 * only the hashes of their pages.
 */
export function encodeState(state: BudgetState): Uint8Array {
  const { classes, limits, opened } = state;
  if (limits === null || opened === null) throw new RangeError('the budget is not open yet');
  return encodeCanonical([
    VERSION,
    bytesOf(ENDIANNESS),
    [state.head.seq, state.head.hash, timeOrNull(state.time), state.size, state.keyCheck],
    encodeRecord(opened),
    limits.policy,
    state.plans.map(encodeRecord),
    state.directory.expected().map(({ page, digest }) => [page, digest]),
    [...classes.populations.keys()],
    classes.list
      .slice(1)
      .map(({ group, erased, populations }) => [group, erased, populations.map((p) => p.index)]),
    bytesOf(classes.indices()),
    [...state.scenes.values()].map(({ name, tally, frozen, lastEnd }) => [
      name,
      encodeTally(tally),
      frozen,
      timeOrNull(lastEnd),
    ]),
    encodeEpoch(state.life),
    [...state.epochs.values()].map(encodeEpoch),
    [...state.reservations].map(encodeReservation),
    state.answers.halves().map(encodeHalf),
  ]);
}

/**
 * The reverse of {@link encodeState}; null for bytes of another version or machine. Whether the bytes are
 * those that the log vouches for is for the caller to check.
 */
export function decodeState(
  bytes: Uint8Array,
  random: (length: number) => Uint8Array,
  sha256: Sha256,
): BudgetState | null {
  const [
    version,
    endianness,
    [seq, hash, time, size, keyCheck],
    opened,
    policy,
    plans,
    digests,
    populationNames,
    classList,
    classIndices,
    scenes,
    life,
    epochs,
    reservations,
    [old, young],
  ] = decodeCanonical(bytes) as [
    number,
    Uint8Array,
    [number, Uint8Array, number, number, Uint8Array],
    Uint8Array,
    BudgetPolicy,
    Uint8Array[],
    [number, Uint8Array][],
    string[],
    [string, boolean, number[]][],
    Uint8Array,
    [string, Encoded, boolean, number | null][],
    Encoded,
    Encoded[],
    Encoded[],
    [Encoded, Encoded],
  ];
  if (version !== VERSION) return null;
  if (!floats(endianness).every((value, i) => value === ENDIANNESS[i])) return null;

  const state = new BudgetState({ seq, hash }, random, sha256);
  state.time = time;
  state.size = size;
  state.keyCheck = keyCheck;
  const terms = recordOf(opened) as OpenRecord;
  state.opened = terms;
  const currency = currencyOf(terms.policy, terms.unit, terms.relation);
  state.limits = new Limits(validatePolicy(policy), currency);
  for (const plan of plans) {
    const record = recordOf(plan) as PlanRecord;
    state.plans.push(record);
    state.planCosts.push(Float64Array.from(record.cost));
    state.planNumbers.set(planKey(record.plan), record.number);
  }
  state.directory.expect(
    size,
    digests.map(([page, digest]) => ({ page, digest })),
  );
  const populations = populationNames.map((name) => state.classes.population(name));
  state.classes.restore(
    classList.map(([group, erased, indices]) => ({
      group,
      erased,
      populations: indices.map((index) => populations[index] as Population),
    })),
    new Uint32Array(new Uint8Array(classIndices).buffer),
  );
  state.restored(decodeEpoch(life, currency.width, populations));
  for (const encoded of epochs) {
    const epoch = decodeEpoch(encoded, currency.width, populations);
    state.epochs.set(epoch.name as string, epoch);
  }
  for (const [name, tally, frozen, lastEnd] of scenes) {
    const scene = state.scene(name);
    restoreTally(scene.tally, tally);
    scene.frozen = frozen;
    scene.lastEnd = timeOf(lastEnd);
  }
  const bySeq = new Map<number, ReservationState>();
  let lastTerms: ReservationTerms | null = null;
  for (const encoded of reservations) {
    const reservation: ReservationState = decodeReservation(encoded, populations, lastTerms);
    lastTerms = reservation.terms;
    bySeq.set(reservation.seq, reservation);
    state.reservations.set(reservation);
    if (reservation.status === 'open') state.open.add(reservation);
  }
  state.answers.restore(decodeHalf(old, bySeq), decodeHalf(young, bySeq) as Generation<Answer>);
  state.restoredAnswers();
  return state;
}
