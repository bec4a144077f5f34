import { bytesToHex } from '@noble/hashes/utils.js';
import { VelaturaError } from '../../core/errors.ts';
import type { ConsentLedger } from '../consent.ts';
import type { ProfileEvent } from '../event.ts';
import type { CollectionGate } from '../gate.ts';
import type { OfferedText } from '../gate-event.ts';
import type { GateDecision } from '../gate-refusal.ts';
import { deriveKey } from '../pseudonym.ts';
import { requireScene } from '../scenes.ts';
import type { Purpose } from '../schema.ts';
import { CHOICE_CODEC, type ChoiceRecord } from './choice-record.ts';
import { decodeEvidence, encodeEvidence } from './evidence.ts';
import { exportProfile, exportScene, type ProfileExport } from './profile-export.ts';
import {
  checkedConstants,
  type ProfileCheckpoint,
  type ProfileStoreOptions,
} from './profile-store-options.ts';
import { SceneKeeper, type StoreOutcome } from './scene-keeper.ts';
import type { SceneProfile } from './scene-profile.ts';
import { SceneQueue } from './scene-queue.ts';
import { SealedSlot, seal, sealingKey, unseal } from './sealed-slot.ts';
import { personLeft, rolledBack, unreadable } from './store-errors.ts';

const NAME_BYTES = 16;
const CHECK_NAME = 'owner';

/** What became of an event: dropped by the gate, or what the store did. */
export type ObserveOutcome = Exclude<GateDecision, 'admitted'> | StoreOutcome;

/**
 * The profile of one person for one purpose, on that person's device: one part for each scene, under a key of
 * its own, and nothing that leads from one to another.
 *
 * Events that arrive while others are being written are written together.
 *
 * ## Privacy
 * Nothing here leaves the device by itself. Records are sealed with AES-256-GCM under keys derived from the
 * secret; whoever sees the storage learns how many records there are, when they change and their size to
 * 4 KiB. Whoever controls the device while the profile is open sees it.
 */
export class ProfileStore {
  readonly purpose: Purpose;
  readonly #consent: ConsentLedger;
  readonly #options: ProfileStoreOptions;
  readonly #gate: CollectionGate;
  readonly #scenes: ReadonlyMap<string, SceneQueue>;
  readonly #backupKey: CryptoKey;
  /** What the gate has passed on during the offer at hand. */
  #outcomes: Promise<StoreOutcome>[] = [];
  #left = false;

  private constructor(
    options: ProfileStoreOptions,
    scenes: readonly SceneKeeper[],
    backupKey: CryptoKey,
  ) {
    this.purpose = options.purpose;
    this.#consent = options.consent;
    this.#options = options;
    this.#backupKey = backupKey;
    this.#scenes = new Map(scenes.map((keeper) => [keeper.scene, new SceneQueue(keeper)]));
    this.#gate = options.gate((event) => this.#collect(event));
  }

  /**
   * Opens the profile of a person, and removes from it what may not lie any longer.
   *
   * A leaving that was interrupted is finished first.
   *
   * @throws {VelaturaError} `profile/store-unreadable` for another secret or person, or altered records;
   * `profile/store-rolled-back`; `profile/store-unavailable`; `profile/left`
   * @throws RangeError or TypeError for malformed options
   */
  static async open(options: ProfileStoreOptions): Promise<ProfileStore> {
    const store = await ProfileStore.#prepare(options);
    await store.#settle();
    return store;
  }

  /**
   * What `leave` does, for a profile that does not open because its records were altered or
   * set back.
   *
   * @throws {VelaturaError} `profile/store-unreadable` where not even the first record opens: then the storage
   * itself has to be deleted; `profile/leave-incomplete`
   */
  static async leave(options: ProfileStoreOptions): Promise<void> {
    const store = await ProfileStore.#prepare(options);
    await store.leave();
  }

  static async #prepare(options: ProfileStoreOptions): Promise<ProfileStore> {
    const { consent, secret, purpose } = options;
    const constants = checkedConstants(options);
    await checkOwner(options);
    const scenes = await Promise.all(
      Object.keys(consent.schema.scenes).map(async (scene) => {
        const name = deriveKey(secret, 'record-name', purpose, scene).subarray(0, NAME_BYTES);
        return new SceneKeeper({
          ...{ scene, purpose, consent, ...constants, name: bytesToHex(name) },
          storage: options.storage,
          choicesStorage: options.choicesStorage ?? options.storage,
          key: await sealingKey(deriveKey(secret, 'records', purpose, scene)),
        });
      }),
    );
    return new ProfileStore(options, scenes, await sealingKey(deriveKey(secret, 'backup')));
  }

  /**
   * The profile of one scene.
   *
   * @throws {VelaturaError} `data/unknown-scene`
   */
  scene<S extends string>(scene: S): SceneProfile<S> {
    requireScene(this.#consent.schema, scene);
    const { keeper } = this.#scenes.get(scene) as SceneQueue;
    return keeper as unknown as SceneProfile<S>; // its scene is the one that was asked for
  }

  /**
   * Offers an event to the gate and takes it in when it is admitted, durable before it resolves.
   *
   * @param event - anything at all; what is not an event is dropped as `malformed`
   * @throws {VelaturaError} `profile/left`, `profile/store-*`
   */
  async observe(event: ProfileEvent): Promise<ObserveOutcome> {
    if (this.#left) throw personLeft();
    const { decision, outcomes } = this.#gather(() => this.#gate.offer(event));
    if (decision !== 'admitted') return decision;
    return outcomes[0] as Promise<StoreOutcome>;
  }

  /**
   * Offers a text of the person to the gate, which counts it and forgets it; durable before it resolves.
   *
   * @returns `admitted` when the gate passed on at least one count
   * @throws {VelaturaError} `profile/left`, `profile/store-*`
   */
  async observeText(text: OfferedText): Promise<GateDecision> {
    if (this.#left) throw personLeft();
    const collected = this.#gather(() => this.#gate.offerText(text));
    await Promise.all(collected.outcomes);
    return collected.decision;
  }

  /** Waits until everything that the gate has passed on is durable. */
  async flush(): Promise<void> {
    await Promise.all([...this.#scenes.values()].map((queue) => queue.idle()));
  }

  /** Removes what has passed its retention or lost its consent, in all scenes; for a daily timer. */
  async sweep(): Promise<void> {
    await this.flush();
    for (const { keeper } of this.#scenes.values()) await keeper.sweep();
  }

  /** Everything that is kept of the person, in the clear, for the person to take along. */
  async export(): Promise<ProfileExport> {
    await this.flush();
    const scenes = [];
    for (const [scene, { keeper }] of this.#scenes) {
      const tags = (await keeper.tags()).read(scene, this.purpose);
      scenes.push([scene, exportScene(await keeper.contents(), tags)] as const);
    }
    return exportProfile(this.#consent, this.purpose, scenes);
  }

  /** Evidence and decisions of all scenes, sealed: for `restore` under the same secret. */
  async backup(): Promise<Uint8Array<ArrayBuffer>> {
    await this.flush();
    const scenes = [];
    for (const [scene, { keeper }] of this.#scenes) {
      const { evidence, choices } = await keeper.contents();
      scenes.push([scene, encodeEvidence(evidence), CHOICE_CODEC.encode(choices)]);
    }
    return seal(this.#backupKey, this.#backupPlace(), scenes);
  }

  /**
   * Puts the evidence of a backup in the place of what is there, readable or not. What was erased, corrected,
   * withdrawn or has expired since the backup stays so, which takes a readable record of decisions. Scenes
   * that the schema has dropped are left out.
   *
   * @throws {VelaturaError} `profile/store-unreadable`, `profile/store-rolled-back`, `profile/left`
   */
  async restore(backup: Uint8Array<ArrayBuffer>): Promise<void> {
    const contents = await unseal(this.#backupKey, this.#backupPlace(), backup);
    await this.flush();
    for (const [scene, evidence, choices] of contents as [string, unknown, unknown][]) {
      await this.#scenes.get(scene)?.keeper.restore({
        evidence: decodeEvidence(evidence),
        choices: CHOICE_CODEC.decode(choices) as ChoiceRecord,
      });
    }
  }

  /** How far the person's decisions have come; kept elsewhere it shows a storage that was set back. */
  async checkpoint(): Promise<ProfileCheckpoint> {
    const entries = [];
    for (const [scene, { keeper }] of this.#scenes) entries.push([scene, await keeper.serial()]);
    return Object.fromEntries(entries) as ProfileCheckpoint;
  }

  /**
   * Leaves, in one call: nothing more is taken in, contributions on their way are stopped, the purpose is opted
   * out of, and everything kept is destroyed but the fact of leaving. May be called again, also after a failure.
   *
   * The budget of the person stays spent, under a tombstone that the budget keeps: leaving is no way to a new
   * one. Destroy the secret afterwards, and no copy of the records can ever be opened.
   *
   * @throws {VelaturaError} `profile/leave-incomplete` when a contribution may still be used; everything else
   * is done then
   */
  async leave(): Promise<void> {
    this.#left = true;
    // First, for it may be a matter of moments.
    const stopping = this.#stopContributions();
    stopping.catch(() => {}); // awaited last, when what is in our hands is gone
    if (!this.#consent.hasOptedOut(this.purpose)) this.#consent.optOut(this.purpose);
    await this.flush();
    for (const { keeper } of this.#scenes.values()) await keeper.leave();
    await stopping;
  }

  /** Waits for what is being written and lets go of the storages. */
  async close(): Promise<void> {
    await this.flush();
    await this.#options.storage.close();
    await this.#options.choicesStorage?.close();
  }

  #gather(offer: () => GateDecision): {
    readonly decision: GateDecision;
    readonly outcomes: readonly Promise<StoreOutcome>[];
  } {
    this.#outcomes = [];
    const decision = offer();
    return { decision, outcomes: this.#outcomes };
  }

  #collect(event: ProfileEvent): void {
    const queue = this.#scenes.get(event.scene) as SceneQueue; // the gate admits no other
    this.#outcomes.push(queue.push({ event, revision: this.#consent.revision }));
  }

  /** What opening has to find out or to finish. */
  async #settle(): Promise<void> {
    const keepers = [...this.#scenes.values()].map(({ keeper }) => keeper);
    const gone = await Promise.all(keepers.map((keeper) => keeper.hasLeft()));
    if (gone.includes(true)) {
      if (this.#options.rejoin !== true) {
        await this.leave(); // it may have been interrupted
        throw personLeft();
      }
      for (const keeper of keepers) await keeper.leave();
      for (const keeper of keepers) await keeper.rejoin();
    }
    if (this.#options.backup !== undefined) await this.restore(this.#options.backup);
    for (const [scene, serial] of Object.entries(this.#options.checkpoint ?? {})) {
      const actual = await this.#scenes.get(scene)?.keeper.serial();
      if (actual !== undefined && actual < serial) {
        throw rolledBack('the profile is older than the checkpoint');
      }
    }
    await this.sweep();
  }

  async #stopContributions(): Promise<void> {
    const { contributions } = this.#options;
    if (contributions === undefined) return;
    let cause: unknown;
    try {
      await contributions.cancelAll();
      if (contributions.unresolved().length === 0) return;
    } catch (error) {
      cause = error;
    }
    const pending = contributions.unresolved().length;
    throw new VelaturaError(
      'profile/leave-incomplete',
      `the profile is gone, but ${pending} contributions may still be used: leave again to stop them`,
      { pending },
      { cause },
    );
  }

  #backupPlace(): readonly string[] {
    return ['backup', this.#consent.person, this.purpose];
  }
}

/** The first record of a storage says whose it is, so that another secret is told from an empty profile. */
async function checkOwner({ storage, secret, consent }: ProfileStoreOptions): Promise<void> {
  const owner = new SealedSlot<string>({
    storage,
    name: CHECK_NAME,
    key: await sealingKey(deriveKey(secret, 'owner')),
    codec: { empty: () => '', encode: (name) => name, decode: (name) => name as string },
  });
  const { person } = consent;
  const known = await owner.update((name) => (name === '' ? person : null));
  if (known !== person) throw unreadable();
}
