// Reads vitest's JSON report and prints "passed failed". A file that cannot be imported has no failed test of its
// own, and a browser that cannot start leaves a report without failures: both count here.
import { existsSync, readFileSync } from 'node:fs';

const [report, status] = process.argv.slice(2);
if (!existsSync(report)) {
  console.log('0 1');
} else {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const brokenFiles = testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = numFailedTests + brokenFiles;
  console.log(`${numPassedTests} ${failed === 0 && status !== '0' ? 1 : failed}`);
}
