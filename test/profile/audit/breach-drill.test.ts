import { describe, expect, it } from 'vitest';
import type { AuditFact, AuditRecord } from '../../../src/profile/audit/audit-record.ts';
import { breachReport } from '../../../src/profile/audit/breach-drill.ts';
import { START } from '../fixtures.ts';

const DAY = 86_400_000;

const custody = (
  day: number,
  object: string,
  scene: string,
  subjects: readonly string[],
  opens: readonly string[] = [],
): AuditFact & { day: number } => ({
  day,
  kind: 'custody',
  actor: 'store',
  object,
  objectKind: opens.length > 0 ? 'key' : 'file',
  scene,
  items: subjects.length > 0 ? [`${scene}-tags`] : [],
  subjects,
  opens,
});
const destruction = (day: number, object: string): AuditFact & { day: number } => ({
  day,
  kind: 'destruction',
  actor: 'sweeper',
  object,
});

const RECORDS: readonly AuditRecord[] = [
  custody(0, 'food.db', 'food', ['a', 'b']),
  custody(0, 'beauty.db', 'beauty', ['b', 'c']),
  custody(0, 'old.bak', 'food', ['z']),
  custody(1, 'key-1', 'food', [], ['food.db', 'old.bak']),
  custody(1, 'key-2', 'beauty', [], ['beauty.db', 'key-1']),
  destruction(3, 'old.bak'),
  custody(9, 'food.db', 'food', ['d']),
].map(({ day, ...fact }, seq) => ({ seq, time: START + day * DAY, ...fact }));

const ask = (objects: readonly string[], from: number, until: number) =>
  breachReport(RECORDS, { objects, from: START + from * DAY, until: START + until * DAY });

describe('breachReport', () => {
  it('names people, scenes and data of a file', () => {
    expect(ask(['food.db'], 4, 5)).toEqual({
      objects: ['food.db'],
      scenes: [{ scene: 'food', items: ['food-tags'], subjects: ['a', 'b'] }],
      subjects: ['a', 'b'],
      unknown: [],
    });
  });

  it('follows keys through everything that they open', () => {
    const report = ask(['key-2'], 4, 5);
    expect(report.objects).toEqual(['beauty.db', 'food.db', 'key-1', 'key-2']);
    expect(report.subjects).toEqual(['a', 'b', 'c']);
    expect(report.scenes.map(({ scene }) => scene)).toEqual(['beauty', 'food']);
  });

  it('counts what was destroyed after the breach began, and not what came after its end', () => {
    expect(ask(['key-1'], 2, 5).subjects).toEqual(['a', 'b', 'z']);
    expect(ask(['key-1'], 4, 5).subjects).toEqual(['a', 'b']);
    expect(ask(['key-1'], 4, 10).subjects).toEqual(['a', 'b', 'd']);
    expect(ask(['key-1'], 0, 0).subjects).toEqual([]);
  });

  it('says which objects nobody knows', () => {
    expect(ask(['laptop', 'food.db'], 4, 5)).toMatchObject({
      unknown: ['laptop'],
      subjects: ['a', 'b'],
    });
  });

  it('ends where keys open each other', () => {
    const circle = [custody(0, 'k', 'food', ['a'], ['l']), custody(0, 'l', 'food', ['b'], ['k'])];
    const records = circle.map(({ day, ...fact }, seq) => ({ seq, time: START + day, ...fact }));
    expect(breachReport(records, { objects: ['k'], from: START, until: START }).subjects).toEqual([
      'a',
      'b',
    ]);
  });

  it('wants a span of time', () => {
    expect(() => ask(['food.db'], 5, 4)).toThrow(RangeError);
  });
});
