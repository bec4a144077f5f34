/**
 * Words that no tag and no level of a tag may contain: they name what a person is, believes or suffers from
 * (special categories of GDPR Art. 9, sensitive personal information of PIPL Art. 28, discriminatory
 * labels of the Algorithm Recommendation Provisions Art. 10).
 */
// biome-ignore format: a word list reads better in rows
const FORBIDDEN_WORDS: readonly string[] = [
  'abortion', 'addict', 'addiction', 'asylum', 'atheist', 'autism', 'autistic', 'biometric', 'bisexual',
  'buddhist', 'cancer', 'caste', 'christian', 'convict', 'depression', 'diabetes', 'diabetic', 'diagnosis',
  'disability', 'disabled', 'disease', 'ethnic', 'ethnicity', 'faith', 'genetic', 'gullible', 'hindu', 'hiv',
  'homosexual', 'illness', 'immigrant', 'indebted', 'infertile', 'infertility', 'islamic', 'jew', 'jewish',
  'lesbian', 'lgbt', 'lgbtq', 'muslim', 'overindebted', 'pregnancy', 'pregnant', 'psychiatric', 'racial',
  'refugee', 'religion', 'religious', 'sexuality', 'transgender',
];

/**
 * Words that are forbidden as the whole name or before a word such as `status`, but have harmless
 * compounds (`health-food`, `race-bike`, `party-supplies`).
 */
// biome-ignore format: a word list reads better in rows
const FORBIDDEN_ALONE: readonly string[] = [
  'belief', 'criminal', 'gay', 'gender-identity', 'health', 'medical', 'migration', 'mental-health',
  'nationality', 'politics', 'political', 'political-party', 'political-view', 'race', 'sex', 'sex-life',
  'sexual-orientation', 'trade-union', 'union-member',
];
// biome-ignore format: a word list reads better in rows
const STATUS_WORDS = new Set([
  'background', 'condition', 'history', 'issue', 'issues', 'membership', 'opinion', 'problem', 'problems',
  'record', 'risk', 'status', 'view', 'views',
]);

/** The same in Chinese, where words have no spaces: matched anywhere. */
// biome-ignore format: a word list reads better in rows
const FORBIDDEN_SUBSTRINGS: readonly string[] = [
  '宗教', '信仰', '民族', '种族', '怀孕', '孕妇', '疾病', '患者', '残疾', '抑郁', '性取向', '同性恋',
  '政治', '党派', '基因', '犯罪', '前科',
];

const WORDS = new Set(FORBIDDEN_WORDS);
const ALONE = new Set(FORBIDDEN_ALONE);

/**
 * The forbidden term that a tag name or level contains; null when there is none.
 *
 * The list is small and catches the honest mistake. It does not stop a name that is chosen to deceive:
 * review of the schema does, and the checks for sensitive inference on trained models.
 */
export function forbiddenTerm(name: string): string | null {
  const folded = name
    .normalize('NFKC')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1-$2')
    .toLowerCase();
  for (const term of FORBIDDEN_SUBSTRINGS) if (folded.includes(term)) return term;
  const words = folded.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word !== '');
  for (const word of words) {
    if (WORDS.has(word)) return word;
    // The plural of a forbidden noun.
    if (word.endsWith('s') && WORDS.has(word.slice(0, -1))) return word.slice(0, -1);
  }
  while (words.length > 1 && STATUS_WORDS.has(words.at(-1) as string)) words.pop();
  const stem = words.join('-');
  return ALONE.has(stem) ? stem : null;
}
