// A log store with the index templates of deploy/observability/elk, and what tests ask of it.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../../scripts/dev/processes.ts';
import type { OpenSearch } from '../../../scripts/ops/parts/opensearch.ts';
import { until } from '../../until.ts';

const LOAD = fileURLToPath(new URL('../../../deploy/observability/elk/load.sh', import.meta.url));

/** A document of a log. */
export type LogDocument = Readonly<Record<string, unknown>>;

/** Puts the templates and the pipeline into the store. */
export async function loadTemplates({ url }: OpenSearch): Promise<void> {
  const { ok, output } = await runCommand('sh', [LOAD], { env: { ...process.env, ELASTICSEARCH_URL: url } });
  assert.ok(ok, output);
}

/** All documents of these indices that a query finds. */
export async function search(store: OpenSearch, indices: string, query: object): Promise<LogDocument[]> {
  await store.request('POST', `/${indices}/_refresh`);
  const request = { size: 10_000, track_total_hits: true, query };
  const body = await until('the store answers', async () => {
    const answer = await store.request('POST', `/${indices}/_search`, request);
    // An index that was made a moment ago.
    if (answer.status === 503) return false;
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  });
  const { hits } = body.hits as { hits: { _source: LogDocument }[] };
  return hits.map(({ _source }) => _source);
}

/** The documents in which a field has exactly this value. */
export function searchTerm(
  store: OpenSearch,
  indices: string,
  field: string,
  value: unknown,
): Promise<LogDocument[]> {
  return search(store, indices, { term: { [field]: value } });
}
