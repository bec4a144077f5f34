import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../../src/profile/audit/audit-record.ts';
import { purposeReport } from '../../../src/profile/audit/purpose-report.ts';
import type { ProfileSchema } from '../../../src/profile/schema.ts';
import { START, schema } from '../fixtures.ts';
import { readFact } from './fixtures.ts';

const read = (seq: number, changes: Parameters<typeof readFact>[0] = {}): AuditRecord => ({
  seq,
  time: START + seq,
  ...readFact(changes),
});

describe('purposeReport', () => {
  it('counts what was done by item, scene, purpose and party', () => {
    const report = purposeReport(schema, [
      read(0),
      read(1, { items: ['kitchen', 'kitchen', 'baby'] }),
      { seq: 2, time: START, kind: 'destruction', actor: 'a', object: 'o' },
    ]);
    expect(report.reads).toBe(2);
    expect(report.uses).toMatchObject([
      { item: 'baby', reads: 1, undeclared: null },
      { item: 'kitchen', reads: 2, first: START, last: START + 1, undeclared: null },
    ]);
  });

  it.each([
    ['a tag that nobody declared', { items: ['shoes'] }, 'item'],
    ['a prohibited kind', { items: ['face'] }, 'item'],
    ['an inherited name', { items: ['constructor'] }, 'item'],
    ['another purpose', { purpose: 'fraud-prevention' }, 'purpose'],
    ['a scene without the tag', { scene: 'live-beauty', items: ['baby'] }, 'scene'],
    ['an undeclared scene', { scene: 'elsewhere' }, 'scene'],
    ['somebody who is no recipient', { party: 'plugin' }, 'party'],
  ] as const)('names %s', (_name, changes, undeclared) => {
    const report = purposeReport(schema, [read(0), read(1, changes)]);
    expect(report.uses[0]).toMatchObject({ undeclared });
    expect(report.uses[1]?.undeclared).toBeNull();
  });

  it('takes a recipient, and a tag that a flow carries into the scene', () => {
    const report = purposeReport(schema, [
      read(0, { party: 'merchant' }),
      read(1, { scene: 'live-beauty' }),
    ]);
    expect(report.uses.map(({ undeclared }) => undeclared)).toEqual([null, null]);
    // The flow itself names no recipients.
    const abroad = purposeReport(schema, [read(0, { scene: 'live-beauty', party: 'merchant' })]);
    expect(abroad.uses[0]?.undeclared).toBe('party');
  });

  it('lists purposes that were declared and never used', () => {
    const unused = purposeReport(schema, [read(0, { items: ['kitchen', 'order'] })]).unused;
    expect(unused).toContainEqual({ item: 'order', purpose: 'order-fulfilment' });
    expect(unused).not.toContainEqual({ item: 'order', purpose: 'recommendation' });
    expect(unused.map(({ item }) => item)).not.toContain('kitchen');
    expect(unused.map(({ item }) => item)).not.toContain('face');
  });

  it('takes only a schema that was validated', () => {
    expect(() => purposeReport({ ...schema } as ProfileSchema, [])).toThrow(TypeError);
  });
});
