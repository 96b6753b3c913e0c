// A program that listens for signals and has nothing more to do.
import { onStopSignal } from '../../scripts/cli/program.ts';

onStopSignal(
  () => {},
  () => {},
);
console.log('done');
