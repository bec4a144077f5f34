/** Why the gate drops an event. */
export const GATE_REFUSALS = [
  'malformed',
  'other-person',
  'undeclared-kind',
  'prohibited-kind',
  'undeclared-scene',
  'purpose-not-declared',
  'advertising-not-allowed',
  'recipient-not-declared',
  'on-device-only',
  'not-de-identified',
  'minors-mode',
  'opted-out',
  'watch-only',
  'session-not-begun',
  'consent-missing',
  'consent-withdrawn',
  'consent-expired',
  'consent-unconfirmed',
  'notice-outdated',
  'other-controller',
  'purpose-not-agreed',
  'recipient-not-agreed',
  'review-overdue',
  'in-the-future',
  'before-consent',
  'past-retention',
  'tag-not-allowed',
  'raw-text',
  'nothing-counted',
  'rare-value',
] as const;
/** One of {@link GATE_REFUSALS}. */
export type GateRefusal = (typeof GATE_REFUSALS)[number];

/** What became of an event. */
export type GateDecision = 'admitted' | GateRefusal;

/** Place of each reason in {@link GATE_REFUSALS}, for counting. */
export const REFUSAL_INDEX: ReadonlyMap<GateRefusal, number> = new Map(
  GATE_REFUSALS.map((reason, i) => [reason, i]),
);
