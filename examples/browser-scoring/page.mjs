// The client's side of the shop: everything that knows the taste happens here.
import { createNodeSealProvider, planScoring, presetById, ScoringClient } from 'velatura/he';

const LISTED = 12;
const PEOPLE = {
  'The baker': { bakeware: 1, kitchen: 0.8, tableware: 0.6 },
  'The gardener': { garden: 1, candle_light: 0.5, signs_frames: 0.4 },
  'The host': { party: 1, christmas: 0.7, tableware: 0.7, candle_light: 0.6 },
};

const element = (id) => document.getElementById(id);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)} kB`;
const milliseconds = (ms) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
const spoken = (tag) => tag.replaceAll('_', ' ');

const { description, tags, articles } = await (await fetch('/catalogue.json')).json();
const client = new ScoringClient({
  provider: await createNodeSealProvider(),
  catalogue: description,
  profileNormBound: 1,
});
const hidden = new Set();
let scores = null;
let only = null;

/** The sliders as a vector of norm 1; the norm bound is public. */
function profile() {
  const values = tags.map((tag) => Number(element(`tag-${tag}`).value));
  const norm = Math.hypot(...values) || 1;
  // A hair under 1, so that rounding to single precision stays within the bound.
  return Float32Array.from(values, (value) => (value / norm) * 0.999999);
}

async function ask() {
  element('ask').disabled = true;
  element('state').textContent = 'Encrypting …';
  let reply = null;
  try {
    const started = performance.now();
    const { queryId, query } = client.encryptProfile(profile());
    const encrypted = performance.now();
    element('state').textContent = 'The server is scoring ciphertexts …';
    const response = await fetch('/score', { method: 'POST', body: query });
    if (!response.ok) throw new Error((await response.json()).title);

    // Blocks are opened as they arrive.
    reply = client.readReply(queryId);
    let decryptMs = 0;
    let down = 0;
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      const arrived = performance.now();
      reply.push(value);
      decryptMs += performance.now() - arrived;
      down += value.length;
    }
    const arrived = performance.now();
    scores?.erase();
    scores = reply.finish();
    show();
    decryptMs += performance.now() - arrived;

    element('encrypt-ms').textContent = milliseconds(encrypted - started);
    element('up-bytes').textContent = kilobytes(query.length);
    element('server-ms').textContent = milliseconds(Number(response.headers.get('server-ms')));
    element('down-bytes').textContent = kilobytes(down);
    element('decrypt-ms').textContent = milliseconds(decryptMs);
    element('seen').textContent = hex(query.subarray(136, 136 + 128));
    element('state').textContent = `Ranked ${articles.length.toLocaleString('en')} articles.`;
  } catch (error) {
    reply?.abort();
    element('state').textContent = `That did not work: ${error.message}`;
  }
  element('ask').disabled = false;
}

function show() {
  const ranked = scores.rank({
    topK: LISTED,
    exclude: hidden,
    ...(only === null ? {} : { only: itemsWith(only) }),
  });
  const highest = Math.max(...ranked.map(({ score }) => score));
  element('list').replaceChildren(
    ...ranked.map(({ item, score }) => {
      const { name, tags } = articles[item];
      const title = document.createElement('span');
      title.textContent = name[0] + name.slice(1).toLowerCase();
      const kinds = document.createElement('small');
      kinds.textContent = tags.map(spoken).join(', ') || 'sells well';
      title.append(kinds);
      const meter = document.createElement('meter');
      Object.assign(meter, { max: highest, value: score, title: `score ${score.toFixed(3)}` });
      const hide = document.createElement('button');
      Object.assign(hide, { type: 'button', textContent: 'hide' });
      hide.setAttribute('aria-label', `hide ${name}`);
      hide.addEventListener('click', () => {
        hidden.add(item);
        show();
      });
      const row = document.createElement('li');
      row.append(title, meter, hide);
      return row;
    }),
  );
}

function itemsWith(tag) {
  return articles.flatMap((article, item) => (article.tags.includes(tag) ? [item] : []));
}

function hex(bytes) {
  const rows = [];
  for (let at = 0; at < bytes.length; at += 32) {
    rows.push(Array.from(bytes.subarray(at, at + 32), (b) => b.toString(16).padStart(2, '0')));
  }
  return rows.map((row) => row.join(' ')).join('\n');
}

function button(text, press) {
  const made = document.createElement('button');
  Object.assign(made, { type: 'button', textContent: text });
  made.addEventListener('click', () => press(made));
  return made;
}

/** Of a group of buttons at most one is pressed. */
function press(group, pressed) {
  for (const each of group.children) each.setAttribute('aria-pressed', String(each === pressed));
}

element('count').textContent = articles.length.toLocaleString('en');
element('sliders').replaceChildren(
  ...tags.map((tag) => {
    const label = document.createElement('label');
    label.className = 'slider';
    const slider = document.createElement('input');
    Object.assign(slider, { type: 'range', id: `tag-${tag}`, min: 0, max: 1, step: 0.05 });
    slider.addEventListener('input', () => press(element('people'), null));
    label.append(spoken(tag), slider);
    return label;
  }),
);
element('people').replaceChildren(
  ...Object.entries(PEOPLE).map(([name, taste]) =>
    button(name, (self) => {
      for (const tag of tags) element(`tag-${tag}`).value = String(taste[tag] ?? 0);
      press(element('people'), self);
      void ask();
    }),
  ),
);
element('only').replaceChildren(
  button('all', (self) => filter(null, self)),
  ...tags.map((tag) => button(spoken(tag), (self) => filter(tag, self))),
);
press(element('only'), element('only').firstChild);

function filter(tag, self) {
  only = tag;
  press(element('only'), self);
  if (scores !== null) show();
}

const plan = planScoring({
  parameters: presetById(description.parametersId),
  items: articles.length,
  dimensions: tags.length,
  droppedBits: description.droppedBits,
  featuresPerCiphertext: description.featuresPerCiphertext,
  biases: true,
  queriesPerVersion: 1,
});
element('honest').textContent = plan.shippingMatrixIsCheaper
  ? `${kilobytes(plan.encryptedBytes)} a question. A catalogue this small would be cheaper to send whole (${kilobytes(plan.matrixBytes)}) and to score here: encryption pays when it is large, secret or changes often.`
  : `${kilobytes(plan.encryptedBytes)} a question; the whole catalogue would be ${kilobytes(plan.matrixBytes)}.`;

element('ask').addEventListener('click', ask);
element('people').firstChild.click();
