import { capitalised, count, counted, percent, readableName } from '../../report/format.ts';
import { type Html, html, table } from '../../report/html.ts';
import { type Chapter, callout, meter, more } from '../../report/section.ts';
import type { DataSummary } from '../result.ts';

/** Reasons of the gate in the words of a person; others are shown by their name. */
const REASONS: Readonly<Record<string, string>> = {
  'consent-missing': 'nobody agreed to this use',
  'consent-withdrawn': 'the consent was withdrawn',
  'consent-expired': 'the consent had run out',
  'opted-out': 'the person has opted out',
  'watch-only': 'the person only watches',
  'before-consent': 'it happened before the consent',
  'past-retention': 'it is older than may be kept',
  'tag-not-allowed': 'its tag may not be made from it here',
  'undeclared-scene': 'nobody declared its scene',
  'undeclared-kind': 'nobody declared its kind',
  'in-the-future': 'its time lies in the future',
  malformed: 'it is not a well-formed event',
};

/** Who takes part, and what their gates let through. */
export function peopleChapter(data: DataSummary): Chapter {
  const { customers, evaluation, clients, refusedConsent, enrolledInAll, events } = data;
  const refusals = Object.entries(events.refused).sort(([, a], [, b]) => b - a);
  const dropped = refusals.reduce((sum, [, number]) => sum + number, 0);
  return {
    id: 'people',
    short: 'People',
    title: 'Who takes part',
    lead: `${count(customers)} customers of a British online shop. ${count(clients)} of them are the clients whose data is to be protected. The other ${count(evaluation)} play a public evaluation set.`,
    body: html`
${splitBar(evaluation, clients, refusedConsent)}
${callout(
  'Simulated here.',
  `The data set knows orders, but neither enrolment nor consent. Which client joined which scene, and who refused, was drawn with a fixed seed. A quarter of the customers, also by a fixed seed, plays a public evaluation set: they are only there to measure on, pay nothing and are not protected.`,
)}
<p>A <em>scene</em> is a context of use; here it is the time of day of an order. Consent and budgets are kept per scene, and data of one scene is not used in another. ${counted(refusedConsent, 'client')} agreed to nothing. ${counted(enrolledInAll, 'client')} joined every scene, which will matter in a moment.</p>
<div class="pair">
${table({
  caption: 'Clients enrolled, by scene (simulated)',
  columns: [
    { name: 'Scene' },
    { name: 'Enrolled', number: true },
    { name: 'Of all clients', number: true },
  ],
  rows: Object.entries(data.enrolled).map(([scene, enrolled]) => [
    capitalised(scene),
    count(enrolled),
    html`${percent(enrolled / clients)}${meter(enrolled / clients, 'ultramarine')}`,
  ]),
})}
${table({
  caption: "At the gates of the clients' own devices",
  columns: [{ name: 'Event' }, { name: 'Number', number: true }, { name: 'Share', number: true }],
  rows: [
    gateRow('Offered', events.offered, events.offered, 'slate'),
    gateRow('Admitted', events.admitted, events.offered, 'viridian'),
    gateRow('Dropped', dropped, events.offered, 'vermilion'),
    ...refusals.map(([reason, number]) =>
      gateRow(`– ${REASONS[reason] ?? readableName(reason)}`, number, events.offered, 'vermilion'),
    ),
  ],
})}
</div>
${more(
  'May these counts be shown at all?',
  html`<p>They are exact, and so they say something about people. They stand here because the data is public. In a real deployment such counts stay on the devices, or are summed with noise and paid for.</p>`,
)}`,
  };
}

function gateRow(name: string, number: number, offered: number, color: string): (Html | string)[] {
  return [name, count(number), html`${percent(number / offered)}${meter(number / offered, color)}`];
}

function splitBar(evaluation: number, clients: number, refused: number): Html {
  const parts = [
    { name: 'clients who take part', people: clients - refused, color: 'ultramarine' },
    { name: 'clients who refused consent', people: refused, color: 'slate' },
    { name: 'public evaluation set', people: evaluation, color: 'ochre' },
  ].filter(({ people }) => people > 0);
  return html`<ul class="split">${parts.map(
    ({ name, people, color }) =>
      html`<li style="flex-grow:${people};--part:var(--${color})"><b>${count(people)}</b> ${name}</li>`,
  )}</ul>`;
}
