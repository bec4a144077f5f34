import { SingleBar } from 'cli-progress';
import { EXIT } from './exit.ts';

/** Where a command writes: prose and progress to stderr, one JSON document or a table to stdout. */
export interface Terminal {
  /** A line for the person watching. */
  say(line?: string): void;
  /** A line of the result. Nothing is printed with `--json`. */
  print(line?: string): void;
  /** The result as JSON; printed only with `--json`. */
  json(document: unknown): void;
  /** A progress bar, or nothing where nobody watches. */
  progress(label: string, total: number): Progress;
  readonly style: Style;
}

export interface Progress {
  to(done: number): void;
  end(): void;
}

/** Emphasis; plain text where there is no terminal or NO_COLOR is set. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
}

/**
 * Lets whoever reads the output leave early, as `head` does: the command goes on and ends as it would have.
 * Output that cannot be written for another reason is a failure.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') return;
      process.exitCode = EXIT.failed;
      if (stream === process.stdout) process.stderr.write(`velatura: stdout: ${message}\n`);
    });
  }
}

/** The terminal of this process. */
export function processTerminal(options: { readonly json: boolean }): Terminal {
  const colour = process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined;
  const paint =
    (code: number) =>
    (text: string): string =>
      colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    say: (line = '') => process.stderr.write(`${line}\n`),
    print: (line = '') => {
      if (!options.json) process.stdout.write(`${line}\n`);
    },
    json: (document) => {
      if (options.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    },
    progress: (label, total) => {
      if (process.stderr.isTTY !== true) return { to: () => {}, end: () => {} };
      const bar = new SingleBar({
        format: `  ${label} [{bar}] {value}/{total}`,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 30,
        hideCursor: true,
        clearOnComplete: true,
        stream: process.stderr,
      });
      bar.start(total, 0);
      return { to: (done) => bar.update(done), end: () => bar.stop() };
    },
    style: { bold: paint(1), dim: paint(2), good: paint(32), warn: paint(33) },
  };
}

/** Columns padded to their widest cell; numbers (all but the first column) to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, column) => {
        const width = widths[column] as number;
        return column === 0 ? text.padEnd(width) : text.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)];
}
