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

/** After so many milliseconds without a request, replaced identity pages are taken out of the journal. */
const IDLE = 1000;

const NOTHING: SqliteAnswer = { entries: null, pages: null, snapshot: null, wanted: false };

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
      return NOTHING;
    case 'lock':
      opened().lock();
      return NOTHING;
    case 'begin': {
      const { entries, pages } = opened().begin(request.position);
      pass('begun', request);
      return { ...NOTHING, entries: packEntries(entries), pages: packPages(pages) };
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
let timer: NodeJS.Timeout | undefined;

function opened(): SqliteBudgetLog {
  if (log === null) throw new Error('expected "open" first');
  return log;
}

function close(): void {
  const closing = opened();
  clearTimeout(timer);
  timer = undefined;
  log = null;
  closing.close();
}

function wipe(): void {
  timer = opened().wipeJournal() ? undefined : setTimeout(wipe, IDLE);
}

port.on('message', (request: SqliteRequest) => {
  try {
    const result = answer(request);
    if (request.kind !== 'rollback') reply(result);
  } catch (error) {
    if (request.kind !== 'rollback') replyError(error);
  }
  if (timer !== undefined) timer.refresh();
  else if (request.kind === 'write' && request.pages !== null) timer = setTimeout(wipe, IDLE);
});
