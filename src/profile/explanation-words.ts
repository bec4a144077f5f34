import type { Contribution, LinearTagExplanation } from './explanation.ts';
import type { GradientContribution, GradientExplanation } from './explanation-gradients.ts';
import type { TagExplanation } from './explanation-parts.ts';
import { printable } from './names.ts';

/** How many contributions {@link describeExplanation} names. */
const NAMED_CONTRIBUTIONS = 5;

/**
 * The explanation in sentences. Names from outside are made printable; escape the text before it goes into
 * HTML.
 */
export function describeExplanation(
  explanation: LinearTagExplanation | GradientExplanation,
): string {
  const lines =
    explanation.kind === 'linear' ? linearLines(explanation) : gradientLines(explanation);
  return [probabilityLine(explanation), ...lines, differenceLine(explanation)].join('\n');
}

function probabilityLine({ tag, probability, confidence }: TagExplanation): string {
  return `Tag "${printable(tag)}": probability ${round(probability.value)}; with the privacy noise between ${round(probability.lower)} and ${round(probability.upper)} (${round(confidence * 100)} % confidence).`;
}

function differenceLine({ baselineName, difference, mayBeNoise }: TagExplanation): string {
  const interval = `${signed(difference.value)}, between ${signed(difference.lower)} and ${signed(difference.upper)}`;
  const verdict = mayBeNoise
    ? 'This tag may be noise: the interval holds zero.'
    : 'More than the noise explains.';
  return `Against ${printable(baselineName)}: ${interval}. ${verdict}`;
}

function linearLines({ bias, logit, contributions }: LinearTagExplanation): readonly string[] {
  const line = (c: Contribution): string =>
    `${printable(c.name)}: ${round(c.feature)} × ${signed(c.weight)} = ${signed(c.value)} (± ${round((c.upper - c.lower) / 2)})`;
  return [
    `Everybody starts at ${signed(bias.value)}; your features lead to ${signed(logit.value)}:`,
    ...contributionLines(contributions, line),
  ];
}

function gradientLines(explanation: GradientExplanation): readonly string[] {
  const { baselineName, baselineLogit, logit, contributions, unexplained } = explanation;
  const line = (c: GradientContribution): string =>
    `${printable(c.name)}: ${round(c.feature)} instead of ${round(c.baselineFeature)}: ${signed(c.value)}`;
  const lines = [
    `From ${printable(baselineName)} at ${signed(baselineLogit)} your features lead to ${signed(logit.value)}:`,
    ...contributionLines(contributions, line),
  ];
  // Rounded like everything else; a remainder that would not show is not worth a line.
  if (Math.abs(unexplained) >= 0.005) lines.push(`  not attributed: ${signed(unexplained)}`);
  return lines;
}

function contributionLines<C extends { readonly value: number }>(
  contributions: readonly C[],
  line: (contribution: C) => string,
): readonly string[] {
  const named = contributions.slice(0, NAMED_CONTRIBUTIONS).filter((c) => c.value !== 0);
  const rest = contributions.slice(named.length);
  const lines = named.map((contribution) => `  ${line(contribution)}`);
  if (rest.some((c) => c.value !== 0)) {
    const total = rest.reduce((sum, c) => sum + c.value, 0);
    lines.push(`  ${rest.length} more together: ${signed(total)}`);
  }
  return lines;
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function signed(value: number): string {
  return value < 0 ? `−${round(-value)}` : `+${round(value)}`;
}
