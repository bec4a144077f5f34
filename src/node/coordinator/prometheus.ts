import type { LiveStatus } from '../../federated/live/coordinator.ts';

/** What the HTTP side counts. */
export interface HttpTally {
  /** Requests by status. */
  readonly requests: ReadonlyMap<number, number>;
  readonly inFlight: number;
  readonly members: number;
}

/** Metrics in the text format of Prometheus. No label names an account, a key or an address. */
export function prometheusText(status: LiveStatus, tally: HttpTally): string {
  const { reports, round, version, stage } = status;
  const released = reports.filter(({ outcome }) => outcome === 'released');
  const last = released.at(-1);
  const aborted = new Map<string, number>();
  for (const { outcome, reason } of reports) {
    if (outcome === 'aborted') aborted.set(reason ?? '', (aborted.get(reason ?? '') ?? 0) + 1);
  }
  const turns = reports.flatMap((report) => report.turns);
  const sumOf = (field: 'asked' | 'answered' | 'bytes'): number =>
    turns.reduce((sum, turn) => sum + turn[field], 0);
  const lines = [
    ...metric('velatura_rounds_begun_total', 'counter', 'Rounds that were drawn.', [['', round]]),
    ...metric('velatura_rounds_released_total', 'counter', 'Rounds with a result.', [
      ['', released.length],
    ]),
    ...metric(
      'velatura_rounds_aborted_total',
      'counter',
      'Rounds without a result, by reason.',
      [...aborted].map(([reason, count]) => [`{reason="${reason}"}`, count] as const),
    ),
    ...metric('velatura_answers_asked_total', 'counter', 'Answers asked for, over all steps.', [
      ['', sumOf('asked')],
    ]),
    ...metric('velatura_answers_total', 'counter', 'Answers taken, over all steps.', [
      ['', sumOf('answered')],
    ]),
    ...metric('velatura_answer_bytes_total', 'counter', 'Bytes of the answers taken.', [
      ['', sumOf('bytes')],
    ]),
    ...metric('velatura_model_version', 'gauge', 'Newest version.', [['', version]]),
    ...metric('velatura_stage', 'gauge', 'Where the run stands.', [[`{stage="${stage}"}`, 1]]),
    ...metric('velatura_members', 'gauge', 'Keys that are enrolled.', [['', tally.members]]),
    ...metric('velatura_http_in_flight', 'gauge', 'Requests at this moment.', [
      ['', tally.inFlight],
    ]),
    ...metric(
      'velatura_http_requests_total',
      'counter',
      'Requests, by status.',
      [...tally.requests].map(([code, count]) => [`{status="${code}"}`, count] as const),
    ),
    ...optional(
      'velatura_epsilon_spent',
      'Epsilon of somebody asked in every round.',
      last?.epsilonSpent,
    ),
    ...optional('velatura_signal_to_noise', 'Of the last result.', last?.signalToNoise),
    ...optional('velatura_clipped_share', 'Noisy share of clipped updates.', last?.clippedShare),
  ];
  return `${lines.join('\n')}\n`;
}

function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): readonly string[] {
  const values = samples.map(([labels, value]) => `${name}${labels} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values];
}

function optional(name: string, help: string, value: number | null | undefined): readonly string[] {
  return value === null || value === undefined ? [] : metric(name, 'gauge', help, [['', value]]);
}
