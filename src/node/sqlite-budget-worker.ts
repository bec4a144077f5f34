import { parentPort } from 'node:worker_threads';
import { SqliteBudgetLog } from './sqlite-budget-log.ts';
import {
  packEntries,
  packPages,
  type SqliteAnswer,
  type SqliteReply,
  type SqliteRequest,
  sentError,
  type TransactionPoint,
  unpackEntries,
  unpackPages,
} from './sqlite-budget-messages.ts';

// The thread in which a budget file is waited for, read and written.

/** Milliseconds after which replaced identity pages are taken out of the journal. */
const WIPE_AFTER = 1000;

const NOTHING: SqliteAnswer = {
  entries: null,
  pages: null,
  snapshot: null,
  wanted: false,
  until: null,
};

const port = parentPort;
if (port === null) throw new Error('"sqlite-budget-worker" expected to run as a worker');

function reply(answer: SqliteAnswer): void {
  const message: SqliteReply = { answer, error: null };
  const { entries, pages, snapshot } = answer;
  const bytes = snapshot?.bytes.buffer;
  const transfer = [entries, pages, bytes].filter((it) => it instanceof ArrayBuffer);
  port?.postMessage(message, transfer);
}

function replyError(error: unknown): void {
  const message: SqliteReply = { answer: null, error: sentError(error) };
  port?.postMessage(message);
}

/** Asked to, dies at a point as by a power switch. */
function pass(point: TransactionPoint, { killAt }: SqliteRequest): void {
  if (killAt === point) process.kill(process.pid, 'SIGKILL');
}

function answer(request: SqliteRequest): SqliteAnswer {
  switch (request.kind) {
    case 'open':
      log = new SqliteBudgetLog(request.opening);
      decisionTimeout = request.opening.decisionTimeout;
      return NOTHING;
    case 'lock':
      opened().lock();
      return NOTHING;
    case 'begin': {
      const { entries, pages } = opened().begin(request.position);
      pass('begun', request);
      const until = awaitDecision();
      return { ...NOTHING, entries: packEntries(entries), pages: packPages(pages), until };
    }
    case 'write': {
      const entries = unpackEntries(request.entries);
      pass('decided', request);
      opened().write(entries, unpackPages(request.pages));
      pass('written', request);
      opened().commit(entries);
      pass('committed', request);
      return NOTHING;
    }
    case 'read':
      return { ...NOTHING, entries: packEntries(opened().read(request.since)) };
    case 'pages':
      return { ...NOTHING, pages: packPages(opened().pages()) };
    case 'load-snapshot':
      return { ...NOTHING, snapshot: opened().loadSnapshot() };
    case 'wants-snapshot': {
      const wanted = opened().wantsSnapshot(request.seq);
      pass('snapshot-begun', request);
      return { ...NOTHING, wanted };
    }
    case 'save-snapshot': {
      const { part } = request;
      opened().saveSnapshot(part, () => pass('snapshot-part', request));
      if (part.part === part.parts - 1) pass('snapshot-whole', request);
      return NOTHING;
    }
    case 'rollback':
      opened().rollback();
      return NOTHING;
    case 'close':
      close();
      return NOTHING;
  }
}

let log: SqliteBudgetLog | null = null;
let decisionTimeout = 0;
let deciding: NodeJS.Timeout | undefined;
let wiping: NodeJS.Timeout | undefined;
let wipeIsDue = false;

function opened(): SqliteBudgetLog {
  if (log === null) throw new Error('expected "open" first');
  return log;
}

function close(): void {
  const closing = opened();
  clearTimeout(wiping);
  wiping = undefined;
  wipeIsDue = false;
  log = null;
  closing.close();
}

/** Everybody waits for a decision, so a thread that is busy with something else loses its turn. */
function awaitDecision(): bigint {
  deciding = setTimeout(() => {
    opened().rollback();
    wipeIfDue();
  }, decisionTimeout);
  return process.hrtime.bigint() + BigInt(Math.floor(decisionTimeout * 1e6));
}

/** Not in the middle of a transaction; then, after it. */
function wipeIfDue(): void {
  if (!wipeIsDue || log === null || log.inTransaction) return;
  wipeIsDue = false;
  log.wipeJournal();
  planWipe();
}

/** A fixed time after pages were replaced, however busy the log is. */
function planWipe(): void {
  if (log?.isStale !== true || wipeIsDue || wiping !== undefined) return;
  wiping = setTimeout(() => {
    wiping = undefined;
    wipeIsDue = true;
    wipeIfDue();
  }, WIPE_AFTER);
}

port.on('message', (request: SqliteRequest) => {
  clearTimeout(deciding);
  try {
    const result = answer(request);
    if (request.kind !== 'rollback') reply(result);
  } catch (error) {
    if (request.kind !== 'rollback') replyError(error);
  }
  planWipe();
  wipeIfDue();
});
