import { spawn } from 'node:child_process';

const SPIN = `
  const end = Date.now() + 1000;
  let turns = 0;
  let x = 1;
  while (Date.now() < end) { for (let i = 0; i < 1e6; i++) x = x * 1.0000001 + 1e-9; turns++; }
  console.log(turns + (x < 0 ? 1 : 0));
`;

/** How much more two processes get done than one: what two threads can hope for on this machine, now. */
export async function processCalibration(): Promise<number> {
  const single = await turns();
  const [one, other] = await Promise.all([turns(), turns()]);
  return (one + other) / single;
}

function turns(): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', SPIN], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', () => resolve(Number(output)));
  });
}
