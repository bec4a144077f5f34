/**
 * Makes data/online-retail/items.csv from the raw Online Retail file (not shipped, 7 MB):
 *
 *   npx tsx tools/derive-catalogue.ts path/to/online-retail.csv.gz > data/online-retail/items.csv
 *
 * One row an article: its most frequent description, the tags whose rule matches that description, and in
 * how many order lines **without a customer id**, before the cut-off of the profiles, it was sold. Those
 * lines belong to none of the clients, so the count is public here.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

/** Matched on the upper-case description; the rules behind profiles.csv and events.csv.gz. */
const TAG_RULES: Readonly<Record<string, RegExp>> = {
  bag: /\bBAGS?\b/,
  bakeware: /CAKE|BAKING|JELLY MOULD/,
  christmas: /CHRISTMAS|XMAS|ADVENT|REINDEER/,
  candle_light: /CANDLE|T-LIGHT|LIGHTS?\b|LANTERN|LAMP/,
  tableware: /MUGS?\b|CUPS?\b|PLATES?\b|BOWLS?\b|TEA ?SET|TEAPOT|SAUCER|EGG CUP/,
  kitchen: /KITCHEN|APRON|TOWEL|OVEN|RECIPE|SPOON|JAR\b|BREAD|COOK/,
  stationery: /CARDS?\b|NOTEBOOK|PENCILS?|PEN\b|WRAP|PAPER|STICKER|STAMP|RIBBON/,
  storage: /\bBOX(ES)?\b|TIN\b|TINS\b|BASKET|STORAGE|DRAWER|CABINET|CRATE/,
  toys_kids: /TOY|CHILDREN|CHILDS|GAME|PUZZLE|DOLL|SOLDIER|PLAYING|SPACEBOY|DOLLY/,
  jewellery: /NECKLACE|BRACELET|EARRING|RING\b|BROOCH|HAIR/,
  party: /PARTY|BUNTING|NAPKIN|BALLOON|DOILY|PICNIC/,
  garden: /GARDEN|FLOWER|PLANT|BIRD|HERB|WATERING/,
  signs_frames: /\bSIGN\b|FRAME|PLAQUE|CHALKBOARD|CLOCK|MIRROR|DOORMAT/,
  soft_furnishing: /CUSHION|HOT WATER BOTTLE|QUILT|BLANKET|CURTAIN/,
  travel_lunch: /LUNCH|TRAVEL|PASSPORT|LUGGAGE|UMBRELLA|SHOPPER/,
};
const CUT_OFF = '2011-09-01';

interface Article {
  readonly descriptions: Map<string, number>;
  anonymousLines: number;
}

const path = process.argv[2];
if (path === undefined) throw new Error('usage: derive-catalogue.ts online-retail.csv.gz');
const articles = new Map<string, Article>();
const rows = createReadStream(path)
  .pipe(createGunzip())
  .pipe(parse({ columns: true }));
for await (const row of rows as AsyncIterable<Record<string, string>>) {
  const code = row['StockCode'] as string;
  const description = (row['Description'] as string).trim().replace(/\s+/g, ' ');
  const sold = Number(row['Quantity']) > 0 && Number(row['UnitPrice']) > 0;
  // Articles have five digits; other codes are postage, samples and bank charges.
  if (!/^\d{5}/.test(code) || !sold || description !== description.toUpperCase()) continue;
  const article = articles.get(code) ?? { descriptions: new Map(), anonymousLines: 0 };
  articles.set(code, article);
  article.descriptions.set(description, (article.descriptions.get(description) ?? 0) + 1);
  if (row['CustomerID'] === '' && (row['InvoiceDate'] as string) < CUT_OFF)
    article.anonymousLines++;
}

console.log('item,name,tags,anonymous_lines');
for (const [code, article] of [...articles].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const [name] = [...article.descriptions].sort(
    (a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1),
  )[0] as [string, number];
  const tags = Object.keys(TAG_RULES).filter((tag) => TAG_RULES[tag]?.test(name));
  const quoted = /[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
  console.log([code, quoted, tags.join(' '), article.anonymousLines].join(','));
}
