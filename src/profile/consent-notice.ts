import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type ConsentScope, canonicalBytes, scopeKey } from './consent-receipt.ts';
import {
  type CollectedKind,
  collectedKind,
  LEGAL_BASES,
  type LegalBasis,
  type PartyType,
  type ProfileSchema,
  type Purpose,
  partyType,
  requireValidated,
} from './schema.ts';
import { kindRisk } from './schema-risk.ts';

/** A party as a notice names it. */
export interface NoticeParty {
  readonly name: string;
  readonly type: PartyType;
  readonly abroad: boolean;
}

/** What a notice says about one kind of data. */
export interface NoticeItem {
  readonly kind: string;
  readonly source: CollectedKind['source'];
  readonly legalBasis: LegalBasis;
  readonly purposes: readonly Purpose[];
  readonly retention: string;
  readonly recipients: readonly NoticeParty[];
  /** Tags that are made from it in the scenes of the scope. */
  readonly tags: readonly string[];
  /** True when one of these tags is sensitive. */
  readonly sensitive: boolean;
}

/**
 * What a person is told before agreeing, in two layers, derived from the schema so that it cannot promise
 * anything else. The application puts it into words.
 */
export interface ConsentNotice {
  readonly version: number;
  /** The first layer: what fits on one screen. */
  readonly summary: {
    readonly scope: ConsentScope;
    readonly controller: string;
    readonly kinds: readonly string[];
    readonly purposes: readonly Purpose[];
    readonly recipients: readonly NoticeParty[];
  };
  /** The second layer: every kind of data by itself. */
  readonly details: readonly NoticeItem[];
}

/**
 * The notice of a scope.
 *
 * @param controller - party to whom the consent would be given
 * @param version - of the notices of the application
 * @throws TypeError for a schema that was not validated
 */
export function consentNotice(
  schema: ProfileSchema,
  scope: ConsentScope,
  controller: string,
  version: number,
): ConsentNotice {
  requireValidated(schema);
  const details = Object.keys(schema.kinds)
    .sort()
    .flatMap((kind) => noticeItem(schema, scope, controller, kind));
  const recipients = new Map(
    details.flatMap((item) => item.recipients.map((party) => [party.name, party] as const)),
  );
  return {
    version,
    summary: {
      scope,
      controller,
      kinds: details.map((item) => item.kind),
      purposes: [...new Set(details.flatMap((item) => item.purposes))].sort(),
      recipients: [...recipients.values()],
    },
    details,
  };
}

const digests = new WeakMap<ProfileSchema, Map<string, string>>();

/**
 * SHA-256 of what a notice says, in hexadecimal, whatever its version. A consent counts only while this
 * stays the same: a recipient or a purpose that is added later was never agreed to.
 */
export function noticeDigest(
  schema: ProfileSchema,
  scope: ConsentScope,
  controller: string,
): string {
  const known = digests.get(schema) ?? new Map<string, string>();
  digests.set(schema, known);
  const key = JSON.stringify([scopeKey(scope), controller]);
  const found = known.get(key);
  if (found !== undefined) return found;
  const { details } = consentNotice(schema, scope, controller, 0);
  const lines = details.map((item) => [
    ...[item.kind, item.source, item.legalBasis, [...item.purposes].sort(), item.retention],
    item.recipients.map(({ name, type, abroad }) => [name, type, abroad]),
    ...[item.tags, item.sensitive],
  ]);
  const digest = bytesToHex(sha256(canonicalBytes(['velatura/consent-notice/1', key, lines])));
  known.set(key, digest);
  return digest;
}

/** The item of a kind in the notice of a scope: one, or none when the scope does not cover the kind. */
function noticeItem(
  schema: ProfileSchema,
  scope: ConsentScope,
  controller: string,
  kind: string,
): readonly NoticeItem[] {
  const declared = collectedKind(schema, kind);
  if (declared === undefined || declared.controller !== controller) return [];
  if (scope.tier === 'restricted' && scope.kind !== kind) return [];
  if (scope.recipient !== undefined && !declared.recipients.includes(scope.recipient)) return [];
  const scenes = (scope.tier === 'essential' ? Object.keys(schema.scenes) : [scope.scene]).filter(
    (scene) => kindRisk(schema, kind, scene)?.tier === scope.tier,
  );
  if (scenes.length === 0) return [];
  const tags = Object.entries(schema.tags).filter(
    ([, tag]) => tag.from.includes(kind) && tag.scenes.some((scene) => scenes.includes(scene)),
  );
  const { source, purposes, retention } = declared;
  // A risk rule that raises the tier takes the basis of the lower one away.
  const legalBasis =
    declared.tier === scope.tier ? declared.legalBasis : LEGAL_BASES[scope.tier][0];
  const named = scope.recipient === undefined ? declared.recipients : [scope.recipient];
  return [
    {
      ...{ kind, source, legalBasis, purposes, retention },
      recipients: [...named].sort().map((name) => noticeParty(schema, name)),
      tags: tags.map(([name]) => name).sort(),
      sensitive: tags.some(([, tag]) => tag.sensitivity === 'sensitive'),
    },
  ];
}

function noticeParty(schema: ProfileSchema, name: string): NoticeParty {
  const party = schema.parties[name] as ProfileSchema['parties'][string];
  // A validated schema has no recipient without a type.
  return { name, type: partyType(name, party) as PartyType, abroad: party.abroad ?? false };
}
