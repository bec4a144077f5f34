import { VelaturaError } from '../core/errors.ts';
import { own, printable } from './names.ts';
import { type ProfileSchema, type Purpose, requireValidated } from './schema.ts';

/**
 * Data of one person that belongs to one scene. Two of them can be joined only when their scenes are the
 * same; the type parameter is invariant, so that data of two scenes does not even compile together.
 *
 * Data that came from another scene is bound to the purposes of the flow that brought it, and stays bound
 * through every change and join.
 *
 * ## Privacy
 * Guards against mistakes, not against code that wants to break out: whoever names the scene may read.
 */
export class SceneData<in out S extends string, out T> {
  readonly scene: S;
  /** The only purposes it may serve; null for data of the scene itself, which consent and schema rule. */
  readonly purposes: readonly Purpose[] | null;
  readonly #value: T;

  /** @throws TypeError when the scene is not a string */
  constructor(scene: S, value: T, purposes: readonly Purpose[] | null = null) {
    if (typeof scene !== 'string') {
      throw new TypeError(`"scene" expected a string, got ${typeof scene}`);
    }
    this.scene = scene;
    this.purposes = purposes === null ? null : Object.freeze([...purposes]);
    this.#value = value;
  }

  /**
   * The data, for a reader that knows in which scene it works.
   *
   * @param purpose - of the reading; needed for data that is bound to purposes
   * @throws {VelaturaError} `profile/flow-unauthorised` when the scene is another, or the data may not serve
   * the purpose
   */
  read(scene: NoInfer<S>, purpose?: Purpose): T {
    if (scene !== this.scene) throw unauthorised(this.scene, scene);
    if (this.purposes !== null && (purpose === undefined || !this.purposes.includes(purpose))) {
      throw unauthorised('another', scene);
    }
    return this.#value;
  }

  /** What `change` makes of the data, in the same scene and for the same purposes. */
  map<U>(change: (value: T) => U): SceneData<S, U> {
    return new SceneData(this.scene, change(this.#value), this.purposes);
  }

  /**
   * Joins with more data of the same scene; see {@link joinScenes}.
   *
   * @throws {VelaturaError} `profile/flow-unauthorised`
   */
  join<U, R>(other: SceneData<S, U>, join: (first: T, second: U) => R): SceneData<S, R> {
    if (other.scene !== this.scene) throw unauthorised(other.scene, this.scene);
    const purposes = commonPurposes(this.purposes, other.purposes);
    // Data that may serve nothing would be refused at every reading: better here, where the mistake is.
    if (purposes?.length === 0) throw unauthorised('another', this.scene);
    return new SceneData(this.scene, join(this.#value, other.#value), purposes);
  }
}

function commonPurposes(
  first: readonly Purpose[] | null,
  second: readonly Purpose[] | null,
): readonly Purpose[] | null {
  if (first === null) return second;
  return second === null ? first : first.filter((purpose) => second.includes(purpose));
}

/**
 * Joins data of one scene with more data of the same scene. The result serves only what both may serve.
 *
 * @throws {VelaturaError} `profile/flow-unauthorised` when the scenes differ at run time, which plain
 * JavaScript and scenes known only as `string` can bring about, or when no purpose is common to both
 */
export function joinScenes<S extends string, A, B, R>(
  first: SceneData<S, A>,
  second: SceneData<NoInfer<S>, B>,
  join: (first: A, second: B) => R,
): SceneData<S, R> {
  return first.join(second, join);
}

/** What a flow is wanted for. */
export interface FlowRequest<From extends string, To extends string> {
  readonly from: From;
  readonly to: To;
  readonly purpose: Purpose;
  readonly tags: readonly string[];
}

/** Proof that the schema allows some tags to pass from one scene to another. Made by `authoriseFlow` only. */
export class AuthorisedFlow<in out From extends string, in out To extends string> {
  readonly from: From;
  readonly to: To;
  readonly purpose: Purpose;
  readonly tags: readonly string[];
  // A private member makes the type nominal: an object of the same shape is no authorisation.
  readonly #authorised = true;

  /** @throws TypeError when it is not called by `authoriseFlow` */
  constructor(key: symbol, request: FlowRequest<From, To>) {
    if (key !== AUTHORISE) throw new TypeError('an AuthorisedFlow is made by authoriseFlow');
    this.from = request.from;
    this.to = request.to;
    this.purpose = request.purpose;
    this.tags = Object.freeze([...request.tags]);
    Object.freeze(this);
  }

  /** False for an object that only looks like an authorisation. */
  static isAuthorised(flow: object): boolean {
    return #authorised in flow;
  }
}

const AUTHORISE: unique symbol = Symbol('authorise');

/**
 * Leave to use the named tags of one scene in another for one purpose, if a single flow of the schema
 * covers all of it.
 *
 * @throws {VelaturaError} `profile/flow-unauthorised`; `profile/unknown-tag`; `data/unknown-scene`
 * @throws TypeError for a schema that was not validated
 */
export function authoriseFlow<From extends string, To extends string>(
  schema: ProfileSchema,
  request: FlowRequest<From, To>,
): AuthorisedFlow<From, To> {
  requireValidated(schema);
  // Copied first: what is checked is what is granted.
  const { from, to, purpose } = request;
  const tags = [...request.tags];
  for (const scene of [from, to]) requireScene(schema, scene);
  for (const tag of tags) requireTag(schema, tag);
  const covered = schema.flows.some(
    (flow) =>
      flow.from === from &&
      flow.to === to &&
      flow.purposes.includes(purpose) &&
      tags.every((tag) => flow.tags.includes(tag)),
  );
  if (!covered || tags.length === 0) throw unauthorised(from, to);
  return new AuthorisedFlow(AUTHORISE, { from, to, purpose, tags });
}

/**
 * Takes tags from one scene into another. Only the tags that the flow names pass, bound to its purpose; the
 * rest stays behind.
 *
 * @throws {VelaturaError} `profile/flow-unauthorised` when the flow is forged or starts elsewhere
 */
export function carryTags<From extends string, To extends string, V>(
  flow: AuthorisedFlow<From, To>,
  data: SceneData<NoInfer<From>, ReadonlyMap<string, V>>,
): SceneData<To, ReadonlyMap<string, V>> {
  if (!AuthorisedFlow.isAuthorised(flow)) throw unauthorised(data.scene, flow.to);
  const all = data.read(flow.from, flow.purpose);
  const passing = new Map<string, V>();
  for (const tag of flow.tags) {
    const value = all.get(tag);
    if (value !== undefined) passing.set(tag, value);
  }
  return new SceneData(flow.to, passing, [flow.purpose]);
}

/**
 * Refuses a scene that the schema does not declare.
 *
 * @throws {VelaturaError} `data/unknown-scene`
 */
export function requireScene(schema: ProfileSchema, scene: string): void {
  if (own(schema.scenes, scene) === undefined) {
    throw new VelaturaError(
      'data/unknown-scene',
      `the schema does not declare scene "${printable(scene)}"`,
      {
        scenes: Object.keys(schema.scenes),
      },
    );
  }
}

/**
 * Refuses a tag that the schema does not declare.
 *
 * @throws {VelaturaError} `profile/unknown-tag`
 */
export function requireTag(schema: ProfileSchema, tag: string): void {
  if (own(schema.tags, tag) === undefined) {
    throw new VelaturaError(
      'profile/unknown-tag',
      `the schema does not declare tag "${printable(tag)}"`,
      {
        tags: Object.keys(schema.tags),
      },
    );
  }
}

function unauthorised(from: string, to: string): VelaturaError {
  return new VelaturaError(
    'profile/flow-unauthorised',
    `data of scene "${printable(from)}" may not be used in scene "${printable(to)}"`,
    { from: printable(from), to: printable(to) },
  );
}
