// Gathers what is asked at about the same time, so that one command asks Redis for all of it.
import type { Breaker } from '../traffic/breaker.ts';

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * So many commands are under way at a time; what is asked meanwhile waits for the first of them to come back, and goes
 * together. Commands so grow with the load, and their number does not: each costs both sides much more than what is in it.
 */
const UNDER_WAY = 2;

/**
 * A way to ask for one thing where `askAll` asks for many, so many at a time, behind a breaker: what comes in the same
 * turn of the event loop goes together. Asking alone costs no wait. `askAll` answers in the order of what it is asked.
 */
export function gather<Ask, Answer>(
  breaker: Breaker,
  together: number,
  askAll: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (ask: Ask) => Promise<Answer> {
  let waiting: Waiting<Ask, Answer>[] = [];
  let underWay = 0;
  let isPlanned = false;

  const send = async (group: readonly Waiting<Ask, Answer>[]) => {
    try {
      // Each of them would have failed by itself.
      const answers = await breaker.run(() => askAll(group.map(({ ask }) => ask)), group.length);
      for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    underWay -= 1;
    sendWaiting();
  };

  const sendWaiting = () => {
    isPlanned = false;
    while (waiting.length > 0 && underWay < UNDER_WAY) {
      const group = waiting.slice(0, together);
      waiting = waiting.slice(together);
      underWay += 1;
      void send(group);
    }
  };

  return (ask) => {
    // While the breaker tries whether somebody is there again, only the one that is tried waits for it.
    if (breaker.state() !== 'closed') return breaker.run(async () => (await askAll([ask]))[0] as Answer);
    return new Promise((resolve, reject) => {
      waiting.push({ ask, resolve, reject });
      if (isPlanned || underWay >= UNDER_WAY) return;
      isPlanned = true;
      setImmediate(sendWaiting);
    });
  };
}
