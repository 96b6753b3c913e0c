// Counts the records of a statement while its pieces pass: how many there are, and what the last line says.

/** The formats of statements. */
export type Format = 'csv' | 'ndjson';

/** What has passed so far. */
export interface Count {
  readonly transfers: number;
  /** The times of the first and the last record; empty before the first. */
  readonly first: string;
  readonly last: string;
  /** How many transfers there are by the last line, and the balance there; undefined before it. */
  readonly promised: number | undefined;
  readonly balance: string | undefined;
}

interface Fields {
  readonly type?: string;
  readonly number?: string | number;
  readonly time?: string;
  readonly balance?: string;
  readonly currency?: string;
}

/** What may need quotes comes behind these. */
function readCsv(line: string): Fields {
  const [type, number, time, , , balance, currency] = line.split(',', 7);
  return { type, number, time, balance, currency } as Fields;
}

const READ: Readonly<Record<Format, (line: string) => Fields>> = {
  csv: readCsv,
  ndjson: (line) => JSON.parse(line) as Fields,
};

/** Counts; `add` takes the next piece, wherever that begins, and says what has passed. */
export function countRecords(format: Format): { add(piece: Uint8Array): Count } {
  const decoder = new TextDecoder();
  let rest = '';
  let count: Count = { transfers: 0, first: '', last: '', promised: undefined, balance: undefined };
  const addLine = (line: string) => {
    const { type, number, time = '', balance, currency } = READ[format](line);
    // The names of the columns.
    if (type === 'type') return;
    const isClosing = type === 'CLOSING';
    count = {
      transfers: count.transfers + (isClosing || type === 'OPENING' ? 0 : 1),
      first: count.first || time,
      last: time,
      promised: isClosing ? Number(number) : undefined,
      balance: isClosing ? `${balance} ${currency}` : undefined,
    };
  };
  return {
    add(piece) {
      // A memo has no line breaks.
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) addLine(line);
      return count;
    },
  };
}
