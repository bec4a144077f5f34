import { describe, expect, it } from 'vitest';
import { CborReader, CborWriter } from '../../../src/core/cbor-stream.ts';
import { VelaturaError } from '../../../src/core/errors.ts';
import { decodeRecord, encodeRecord } from '../../../src/dp/budget/log-codec.ts';
import type {
  LogRecord,
  OpenRecord,
  PageDigest,
  PlanRecord,
  RefuseRecord,
  ReserveRecord,
} from '../../../src/dp/budget/log-record.ts';

const decode = (body: Uint8Array): LogRecord =>
  decodeRecord({ seq: 12, hash: new Uint8Array(32), body });

const digest = new Uint8Array(32).fill(1);
const keyCheck = new Uint8Array(16).fill(2);
const reserve: ReserveRecord = {
  kind: 'reserve',
  time: 1000,
  scene: 'feed',
  plan: 0,
  deltaCost: 0,
  handles: Uint32Array.of(1, 5),
  population: null,
  idempotencyKey: 'key',
  expiresAt: 2000,
  model: null,
  epochs: [],
  insecure: false,
};
const refuse: RefuseRecord = {
  kind: 'refuse',
  time: 1000,
  scene: 'feed',
  limit: 'user-total',
  epoch: null,
  count: 2,
  blocked: Uint32Array.of(1),
  spent: 1,
  asked: 0.5,
  allowed: 1.25,
  idempotencyKey: 'key',
  fingerprint: 'print',
};
const open: OpenRecord = {
  kind: 'open',
  time: 0,
  version: 2,
  policy: {
    version: 1,
    currency: 'gdp',
    delta: 1e-6,
    user: { epsilon: 1 },
    scenes: { feed: {} },
    reservationLease: 'PT1M',
  },
  unit: 'user',
  relation: 'add-or-remove-one-user',
  currency: 'gdp',
  keyCheck,
};
const plan: PlanRecord = {
  kind: 'plan',
  time: 0,
  number: 0,
  plan: {
    unit: 'user',
    relation: 'add-or-remove-one-user',
    event: { kind: 'gaussian', noiseMultiplier: 1 },
  },
  cost: [1],
};
const page = (number: number, bytes: Uint8Array = digest): PageDigest => ({
  page: number,
  digest: bytes,
});
const intern = (...pages: unknown[]): unknown => ({ kind: 'intern', time: 0, size: 1, pages });

describe('encodeRecord', () => {
  it.each<[string, unknown]>([
    ['another kind', { kind: 'refund', time: 0 }],
    ['a kind that every object has', { kind: 'constructor', time: 0 }],
    ['a time that is no integer', { ...reserve, time: 0.5 }],
    ['a time beyond 2^53', { ...reserve, time: 2 ** 53 }],
    ['no time', { ...reserve, time: undefined }],
    ['an empty scene', { ...reserve, scene: '' }],
    ['no scene', { ...reserve, scene: undefined }],
    ['a scene with a lone surrogate', { ...reserve, scene: 'fe\uD800ed' }],
    ['a key with a lone surrogate', { ...reserve, idempotencyKey: '\uDFFF' }],
    ['an empty key', { ...reserve, idempotencyKey: '' }],
    ['a plan below 0', { ...reserve, plan: -1 }],
    ['half a unit', { ...reserve, deltaCost: 0.5 }],
    ['units over 2^53', { ...reserve, deltaCost: 2 ** 53 + 2 }],
    ['units of −0', { ...reserve, deltaCost: -0 }],
    ['units that are NaN', { ...reserve, deltaCost: Number.NaN }],
    ['handles and a population', { ...reserve, population: 'all' }],
    ['neither handles nor a population', { ...reserve, handles: null }],
    ['no handle', { ...reserve, handles: new Uint32Array(0) }],
    ['handles that descend', { ...reserve, handles: Uint32Array.of(5, 1) }],
    ['a handle twice', { ...reserve, handles: Uint32Array.of(5, 5) }],
    ['handles of another type', { ...reserve, handles: [1, 5] }],
    ['an empty population', { ...reserve, handles: null, population: '' }],
    ['an expiry that is no integer', { ...reserve, expiresAt: Number.POSITIVE_INFINITY }],
    ['an empty model', { ...reserve, model: '' }],
    ['an empty epoch', { ...reserve, epochs: ['2026-11', ''] }],
    ['an insecure that is no boolean', { ...reserve, insecure: undefined }],
    ['an unknown limit', { ...refuse, limit: 'toString' }],
    ['an empty epoch in a refusal', { ...refuse, epoch: '' }],
    ['a count below 0', { ...refuse, count: -1 }],
    ['a count over 2^32', { ...refuse, count: 2 ** 32 + 1 }],
    ['nobody in the way', { ...refuse, blocked: new Uint32Array(0) }],
    ['spent NaN', { ...refuse, spent: Number.NaN }],
    ['asked −0', { ...refuse, asked: -0 }],
    ['no fingerprint', { ...refuse, fingerprint: '' }],
    ['another version', { ...open, version: 1 }],
    ['an unknown unit', { ...open, unit: 'device' }],
    ['an unknown relation', { ...open, relation: 'add-one' }],
    ['an unknown currency', { ...open, currency: 'hasOwnProperty' }],
    ['a key check of 15 bytes', { ...open, keyCheck: new Uint8Array(15) }],
    ['a policy that is none', { ...open, policy: { ...open.policy, delta: 2 } }],
    ['a new policy that is none', { kind: 'policy', time: 0, policy: {} }],
    ['a plan that is none', { ...plan, plan: { ...plan.plan, unit: 'device' } }],
    ['a plan without a price', { ...plan, cost: [] }],
    ['a price that is no integer', { ...plan, cost: [1, 0.5] }],
    ['a digest of 31 bytes', intern(page(0, new Uint8Array(31)))],
    ['a digest of another type', intern(page(0, Array.from(digest) as unknown as Uint8Array))],
    ['a page twice', intern(page(3), page(3))],
    ['pages that descend', intern(page(3), page(2))],
    ['a page beyond the last handle', intern(page(2 ** 24))],
    ['a join of an empty name', { kind: 'join', time: 0, name: '', handles: Uint32Array.of(1) }],
    ['a leave of nobody', { kind: 'leave', time: 0, name: 'a', handles: new Uint32Array(0) }],
    ['a reservation that is no entry', { kind: 'commit', time: 0, reservation: -1 }],
    ['a snapshot digest of 33 bytes', { kind: 'snapshot', time: 0, digest: new Uint8Array(33) }],
  ])('refuses %s, and writes the next entry as ever', (_, record) => {
    const before = Buffer.from(encodeRecord(reserve)).toString('hex');
    let error: unknown = null;
    try {
      encodeRecord(record as LogRecord);
    } catch (thrown) {
      error = thrown;
    }
    // A coded refusal or one that names the field, not an accident on the way.
    if (!(error instanceof VelaturaError)) {
      expect(error).toMatchObject({ message: expect.stringMatching(/^"\w+" expected /) });
    }
    expect(Buffer.from(encodeRecord(reserve)).toString('hex')).toBe(before);
  });

  it('names the field, the bounds and no text of the caller', () => {
    expect(() => encodeRecord({ ...reserve, plan: -1 })).toThrow(
      new RangeError('"plan" expected a whole number from 0 to 9007199254740991, got -1'),
    );
    expect(() => encodeRecord({ ...refuse, limit: 'anna' as 'delta' })).toThrow(
      new RangeError('"limit" expected the name of a limit, got another'),
    );
  });

  it('writes no policy or plan that it could not read again', () => {
    for (const scene of ['\uFEFFfeed', '\uFEFF', 'a\uFEFF'.repeat(20), `\uFEFF${'x'.repeat(99)}`]) {
      const record: OpenRecord = { ...open, policy: { ...open.policy, scenes: { [scene]: {} } } };
      let body: Uint8Array;
      try {
        body = encodeRecord(record);
      } catch (error) {
        expect(error).toMatchObject({ code: 'core/non-canonical' });
        continue;
      }
      expect(decode(body)).toEqual(record);
    }
  });

  it('keeps a million handles in a row in 125 kB, and the entries around it', () => {
    const before = encodeRecord(reserve);
    const handles = Uint32Array.from({ length: 1_000_000 }, (_, i) => i);
    const body = encodeRecord({ ...reserve, handles });
    const after = encodeRecord(reserve);
    expect(body.length).toBeLessThan(125_100);
    const decoded = decode(body) as ReserveRecord;
    expect(decoded.handles?.length).toBe(1_000_000);
    expect(decoded.handles?.every((handle, i) => handle === i)).toBe(true);
    expect(decode(before)).toEqual(reserve);
    expect(decode(after)).toEqual(reserve);
  });
});

/** An entry written item by item, as no encoder would. */
function entry(write: (writer: CborWriter) => void): Uint8Array {
  const writer = new CborWriter();
  writer.begin();
  write(writer);
  return writer.finish();
}

describe('decodeRecord', () => {
  it.each<[string, (writer: CborWriter) => void]>([
    ['text', (w) => w.text('open')],
    ['an empty array', (w) => w.array(0)],
    [
      'an unknown kind',
      (w) => {
        w.array(3);
        w.uint(17);
        w.int(0);
        w.uint(0);
      },
    ],
    [
      'a commit with one item more',
      (w) => {
        w.array(4);
        w.uint(12);
        w.int(0);
        w.uint(0);
        w.nil();
      },
    ],
    [
      'a freeze of an empty scene',
      (w) => {
        w.array(3);
        w.uint(15);
        w.int(0);
        w.text('');
      },
    ],
    [
      'a snapshot digest of 31 bytes',
      (w) => {
        w.array(3);
        w.uint(16);
        w.int(0);
        w.bytes(new Uint8Array(31));
      },
    ],
    [
      'a page without a digest',
      (w) => {
        w.array(4);
        w.uint(3);
        w.int(0);
        w.uint(1);
        w.array(1);
        w.uint(0);
      },
    ],
    [
      'pages that do not ascend',
      (w) => {
        w.array(4);
        w.uint(3);
        w.int(0);
        w.uint(1);
        w.array(4);
        for (const number of [1, 1]) {
          w.uint(number);
          w.bytes(digest);
        }
      },
    ],
    [
      'a page beyond the last handle',
      (w) => {
        w.array(4);
        w.uint(3);
        w.int(0);
        w.uint(1);
        w.array(2);
        w.uint(2 ** 24);
        w.bytes(digest);
      },
    ],
    [
      'a join of nobody',
      (w) => {
        w.array(4);
        w.uint(8);
        w.int(0);
        w.text('all');
        w.bytes(Uint8Array.of(0));
      },
    ],
    [
      'a plan without a price',
      (w) => {
        const reader = new CborReader(encodeRecord(plan));
        reader.array();
        w.array(5);
        w.uint(reader.uint());
        w.int(reader.int());
        w.uint(reader.uint());
        w.bytes(reader.bytes());
        w.array(0);
      },
    ],
    [
      'a policy that is none',
      (w) => {
        w.array(3);
        w.uint(1);
        w.int(0);
        w.bytes(Uint8Array.of(0xa0));
      },
    ],
    [
      'a policy that is not canonical',
      (w) => {
        w.array(3);
        w.uint(1);
        w.int(0);
        w.bytes(Uint8Array.of(0xbf, 0xff));
      },
    ],
  ])('refuses %s', (_, write) => {
    expect(() => decode(entry(write))).toThrow(
      expect.objectContaining({ code: 'dp/budget-corrupt', details: { seq: 12 } }),
    );
  });

  it('refuses an opening of another version by that, whatever follows', () => {
    const body = entry((w) => {
      w.array(5);
      w.uint(0);
      w.int(0);
      w.uint(3);
      w.nil();
      w.nil();
    });
    expect(() => decode(body)).toThrow('entry 12 of the budget log: "version" expected 2, got 3');
  });

  it('says at which byte and why', () => {
    expect(() => decode(Uint8Array.of(0x83, 0x0c))).toThrow(
      expect.objectContaining({
        message: 'entry 12 of the budget log: byte 1: expected at most 1 bytes or items, got 3',
        cause: expect.objectContaining({ code: 'core/non-canonical' }),
      }),
    );
  });

  it('keeps nothing of the buffer an entry came in', () => {
    const body = Uint8Array.from(
      encodeRecord({ kind: 'rotate', time: 5, keyCheck, pages: [page(0)] }),
    );
    const record = decode(body);
    body.fill(0);
    expect(record).toEqual({ kind: 'rotate', time: 5, keyCheck, pages: [page(0)] });
  });
});
