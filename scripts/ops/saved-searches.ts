// Kibana's data views and saved searches of ppuri's logs. As a program it prints deploy/observability/elk/kibana/ppuri.ndjson,
// which load.sh imports: node scripts/ops/saved-searches.ts > deploy/observability/elk/kibana/ppuri.ndjson

/** A search that an operator starts from, by filling in a word in capitals where there is one. */
export interface SavedSearch {
  readonly title: string;
  readonly description: string;
  /** The indices that it searches. */
  readonly indices: string;
  /** In Kibana's query language. */
  readonly query: string;
  readonly columns: readonly string[];
}

/** What is asked most. */
export const SAVED_SEARCHES: readonly SavedSearch[] = [
  {
    title: 'ppuri: a call by its request id',
    description: 'What the edge, the server and the ledger tell of one call: x-request-id of its answer.',
    indices: 'ppuri-*',
    query: 'http.request.id : "REQUEST_ID"',
    columns: ['event.dataset', 'event.action', 'url.path', 'event.outcome', 'ppuri.transfer.id', 'message'],
  },
  {
    title: 'ppuri: a transfer by its id',
    description: 'One document, with both accounts and the key that signed the call.',
    indices: 'ppuri-transactions-*',
    query: 'ppuri.transfer.id : "TRANSFER_ID"',
    columns: [
      ...[
        'event.action',
        'ppuri.amount',
        'ppuri.currency',
        'ppuri.debit.account_id',
        'ppuri.credit.account_id',
      ],
      ...['ppuri.key.id', 'http.request.id'],
    ],
  },
  {
    title: 'ppuri: refusals by reason',
    description:
      'Calls that were not let in, or whose key may not do that; ppuri.act.count is how many a line stands for.',
    indices: 'ppuri-audit-*',
    query: 'ppuri.act.outcome : (refused or denied or unauthenticated or failed)',
    columns: [
      'event.reason',
      'event.action',
      'ppuri.act.count',
      'ppuri.key.id',
      'client.address',
      'http.request.id',
    ],
  },
  {
    title: 'ppuri: what the edge refused',
    description: 'Requests that no server saw, with the reason in the words of Envoy.',
    indices: 'ppuri-edge-*',
    query: 'event.outcome : failure and not ppuri.edge.response_details : via_upstream',
    columns: [
      ...[
        'ppuri.edge.response_details',
        'ppuri.edge.response_flags',
        'http.response.status_code',
        'url.path',
      ],
      'client.address',
    ],
  },
  {
    title: 'ppuri: who used a key',
    description: 'Money that was moved with an API key, what it administered, and what it was refused.',
    indices: 'ppuri-*',
    query: 'ppuri.key.id : "KEY_ID"',
    columns: [
      ...[
        'event.dataset',
        'event.action',
        'event.outcome',
        'event.reason',
        'client.address',
        'ppuri.transfer.id',
      ],
      'http.request.id',
    ],
  },
  {
    title: 'ppuri: errors',
    description: 'Faults of programs.',
    indices: 'ppuri-app-*',
    query: 'log.level : (error or fatal)',
    columns: ['message', 'error.type', 'error.code', 'event.reason', 'http.request.id'],
  },
];

const VIEWS = ['ppuri-*', 'ppuri-app-*', 'ppuri-transactions-*', 'ppuri-audit-*', 'ppuri-edge-*'];

/** The file that Kibana imports: one saved object a line. */
export function savedObjects(): string {
  const objects = [...VIEWS.map(dataView), ...SAVED_SEARCHES.map(search)];
  return objects.map((object) => `${JSON.stringify(object)}\n`).join('');
}

function dataView(indices: string): object {
  return {
    type: 'index-pattern',
    id: idOf(indices),
    attributes: { title: indices, name: indices, timeFieldName: '@timestamp' },
    references: [],
  };
}

function search({ title, description, indices, query, columns }: SavedSearch): object {
  const index = 'kibanaSavedObjectMeta.searchSourceJSON.index';
  const source = { query: { query, language: 'kuery' }, filter: [], indexRefName: index };
  return {
    type: 'search',
    id: idOf(title),
    attributes: {
      title,
      description,
      columns,
      sort: [['@timestamp', 'desc']],
      kibanaSavedObjectMeta: { searchSourceJSON: JSON.stringify(source) },
    },
    references: [{ type: 'index-pattern', id: idOf(indices), name: index }],
  };
}

/** Stays the same over imports, which replace what is there. */
function idOf(name: string): string {
  return name.replaceAll('*', 'all').replaceAll(/[^a-z]+/g, '-');
}

if (import.meta.main) process.stdout.write(savedObjects());
