// Gathers what is asked in one turn of the event loop, so that one command asks Redis for all of it.

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A way to ask for one thing where `askAll` asks for many: what comes in the same turn of the event loop goes together,
 * so many at a time. Asking alone costs no wait. `askAll` answers in the order of what it is asked.
 */
export function gather<Ask, Answer>(
  together: number,
  askAll: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (ask: Ask) => Promise<Answer> {
  let waiting: Waiting<Ask, Answer>[] = [];

  const send = (group: readonly Waiting<Ask, Answer>[]) =>
    askAll(group.map(({ ask }) => ask)).then(
      (answers) => {
        for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Answer);
      },
      (error: unknown) => {
        for (const { reject } of group) reject(error);
      },
    );

  const sendAll = () => {
    const all = waiting;
    waiting = [];
    for (let sent = 0; sent < all.length; sent += together) void send(all.slice(sent, sent + together));
  };

  return (ask) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(sendAll);
      waiting.push({ ask, resolve, reject });
    });
}
