// The page of a live room with the collection gate in front of everything it could learn about the viewer.
// It takes the library as a parameter, so that a bundler, an import map or a test can bring it along.

const SCENE = 'live-food';
const CONTROLLER = 'platform';
const PURPOSES = ['recommendation'];
const DAY = 86_400_000;
const ENHANCED = { tier: 'enhanced', scene: SCENE };
const ARTICLES = [
  { name: 'Cast-iron pan', tag: 'kitchen' },
  { name: 'Oolong tea', tag: 'tea' },
  { name: 'Wok', tag: 'kitchen' },
];

function schemaFile(reviewBy) {
  const declared = {
    source: 'first-party',
    purposes: PURPOSES,
    retention: 'P90D',
    reviewBy,
    controller: CONTROLLER,
    recipients: [],
  };
  const enhanced = { ...declared, tier: 'enhanced', legalBasis: 'consent' };
  const tag = {
    kind: 'predictive',
    from: ['click', 'watch-time', 'comment'],
    scenes: [SCENE],
    purposes: PURPOSES,
    retention: 'P90D',
    sensitivity: 'normal',
    reviewBy,
  };
  return {
    version: 1,
    parties: { [CONTROLLER]: { role: 'controller' } },
    purposes: PURPOSES,
    scenes: { [SCENE]: { riskLevel: 'elevated', advertising: 'none' } },
    flows: [],
    kinds: {
      click: { ...enhanced, value: { max: 1, step: 1 } },
      'watch-time': { ...enhanced, value: { max: 3600, step: 10 } },
      comment: { ...enhanced, derivedFrom: 'text' },
      face: { tier: 'prohibited' },
    },
    tags: { kitchen: tag, tea: tag },
    sensitiveCombinations: [],
    // In a live room nothing is collected before the viewer has chosen how to take part.
    riskRules: [
      {
        kinds: ['click', 'watch-time', 'comment'],
        scenes: [SCENE],
        obligations: ['session-consent'],
      },
    ],
  };
}

/**
 * Builds the room in an element.
 *
 * @param velatura - the module `velatura/profile`
 * @param root - where the room goes
 * @returns the ledger, the gate and what it let through, for whoever wants to look
 */
export function openRoom(velatura, root) {
  const { CollectionGate, ConsentLedger, TextCounter, validateSchema } = velatura;
  const reviewBy = new Date(Date.now() + 180 * DAY).toISOString().slice(0, 10);
  // A real page keeps key and receipts in the platform's storage and restores the ledger from them.
  const consent = new ConsentLedger({
    schema: validateSchema(schemaFile(reviewBy)),
    person: 'viewer',
    key: crypto.getRandomValues(new Uint8Array(32)),
    noticeVersion: 1,
  });
  const collected = [];
  const gate = new CollectionGate({
    consent,
    purpose: 'recommendation',
    collect: (event) => collected.push(event),
    text: new TextCounter({ kitchen: ['pan', 'wok', '锅'], tea: ['tea', '茶'] }, 3),
  });
  const event = (kind, tag, value) => ({
    ...{ user: 'viewer', time: Date.now(), scene: SCENE, kind, tag, value },
  });

  root.replaceChildren();
  const add = (tagName, text, parent = root) => {
    const element = document.createElement(tagName);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const button = (text, onClick, parent = root) => {
    const element = add('button', text, parent);
    element.addEventListener('click', () => {
      onClick();
      show();
    });
    return element;
  };

  // The first layer of the notice in words; the second one opens below it.
  const question = add('section', '');
  question.className = 'question';
  const notice = velatura.consentNotice(consent.schema, ENHANCED, CONTROLLER, 1);
  const { kinds, purposes } = notice.summary;
  add('p', `May ${CONTROLLER} use ${kinds.join(', ')} for ${purposes.join(', ')}?`, question);
  const details = add('details', '', question);
  add('summary', 'More', details);
  for (const item of notice.details) {
    add('p', `${item.kind}: ${item.source}, kept ${item.retention}, for ${item.tags}`, details);
  }
  const answer = (choose) => () => {
    question.hidden = true;
    choose();
  };
  const begin = (choice) => consent.beginSession(SCENE, choice);
  // Refusing takes as many clicks as agreeing, and the room opens either way.
  button(
    'Agree',
    answer(() => {
      const terms = { purposes: PURPOSES, controller: CONTROLLER };
      consent.grant({ scope: ENHANCED, ...terms, expiresAt: Date.now() + 180 * DAY });
      begin('as-agreed');
    }),
    question,
  );
  button(
    'Refuse',
    answer(() => {
      consent.withdraw(ENHANCED);
      begin('as-agreed');
    }),
    question,
  );
  button(
    'Only watch',
    answer(() => begin('watch-only')),
    question,
  );

  const shelf = add('section', '');
  const chat = add('form', '');
  const line = add('input', '', chat);
  add('button', 'Say', chat);
  chat.addEventListener('submit', (submit) => {
    submit.preventDefault();
    gate.offerText({
      ...{ user: 'viewer', time: Date.now(), scene: SCENE, kind: 'comment', text: line.value },
    });
    line.value = '';
    show();
  });
  button('Withdraw', () => consent.withdraw(ENHANCED));
  button('Leave the room', () => consent.endSession(SCENE));
  const seen = add('pre', '');

  function show() {
    const totals = new Map(ARTICLES.map(({ tag }) => [tag, 0]));
    // What may be shown follows the consent of now, not the one of when it was collected.
    const usable = collected.filter(({ kind }) =>
      consent.permits({ kind, scene: SCENE, purpose: 'recommendation', at: consent.now() }),
    );
    for (const { tag, value } of usable) totals.set(tag, totals.get(tag) + value);
    // Equal totals leave the order that everybody gets.
    const list = [...ARTICLES].sort((a, b) => totals.get(b.tag) - totals.get(a.tag));
    shelf.replaceChildren();
    for (const { name, tag } of list) {
      button(name, () => gate.offer(event('click', tag, 1)), shelf);
    }
    const dropped = Object.fromEntries(gate.refusals());
    seen.textContent = `passed: ${gate.admitted}\ndropped: ${JSON.stringify(dropped)}`;
  }
  show();
  const watched = setInterval(() => {
    gate.offer(event('watch-time', ARTICLES[0].tag, 10));
    show();
  }, 10_000);
  return { consent, gate, collected, close: () => clearInterval(watched) };
}
