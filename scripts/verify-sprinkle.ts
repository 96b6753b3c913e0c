// `npm run verify-sprinkle -- proof.json`: checks the answer of GetSprinkleProof, without calling anybody.
import { readFileSync } from 'node:fs';
import { verifySprinkle } from '../clients/typescript/src/verify-sprinkle.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';

const USAGE = `usage: npm run verify-sprinkle -- FILE [--commitment BASE64] [--user ID --nonce BASE64]
  FILE            the answer of GetSprinkleProof, as JSON
  --commitment    what CreateSprinkle or GetSprinkle showed before the first claim; without it only the arithmetic is checked
  --user          you, and with --nonce what you sent with your claim
Exit code 0 where every share follows from the commitment, 1 otherwise. docs/sprinkles.md has the rules.`;

reportCrashes();
await runCli(() => {
  const options = {
    commitment: { type: 'string' },
    user: { type: 'string' },
    nonce: { type: 'string', default: '' },
  } as const;
  const { values, positionals } = readCommandLine(USAGE, options);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new SetupError(USAGE);
  const { commitment, user, nonce } = values;
  const claim = user === undefined ? undefined : { userId: user, nonce };
  const verdict = verifySprinkle(readJson(file), { commitment, claim });
  const { isProven, problems, shares, claimedCount, hiddenCount } = verdict;
  for (const problem of problems) console.log(problem);
  if (!isProven) {
    console.log('NOT PROVEN');
    process.exitCode = 1;
    return;
  }
  console.log(
    `${claimedCount} claims of ${shares.length} shares follow from the seed and the commitment: proven`,
  );
  if (hiddenCount > 0)
    console.log(
      `${hiddenCount} claims are without their users: what those added only they can check. Unless the sprinkle hides amounts, don't trust it.`,
    );
  if (commitment === undefined)
    console.log(
      'Compare the commitment with the one that you were shown before the first claim (--commitment).',
    );
});

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SetupError(`${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new SetupError(`${file} is not JSON`);
  }
}
