// The log store beside a running ppuri: OpenSearch with the deployed templates, and rsyslog that ships the logs into it.
import { fileURLToPath } from 'node:url';
import { SetupError } from '../../cli/program.ts';
import { runCommand } from '../../dev/processes.ts';
import type { OpenSearch } from '../parts/opensearch.ts';

const LOAD = fileURLToPath(new URL('../../../deploy/observability/elk/load.sh', import.meta.url));

/** A document: a line of a log, with the names of Elastic Common Schema. */
export type LogDocument = Readonly<Record<string, unknown>>;

/** Puts the index templates and the pipeline into the store. Throws a SetupError with curl's words when it refuses them. */
export async function loadTemplates({ url }: OpenSearch): Promise<void> {
  const { ok, output } = await runCommand('sh', [LOAD], { env: { ...process.env, ELASTICSEARCH_URL: url } });
  if (!ok) throw new SetupError(`OpenSearch refuses deploy/observability/elk:\n${output}`);
}

/** The documents of these indices in which a field has exactly this value, ten at most. Throws when the store refuses. */
export async function documentsWith(
  store: OpenSearch,
  indices: string,
  field: string,
  value: string,
): Promise<readonly LogDocument[]> {
  const query = { query: { term: { [field]: value } } };
  const { status, body } = await store.request('POST', `/${indices}/_search`, query);
  if (status !== 200) throw new Error(JSON.stringify(body));
  const { hits } = body.hits as { readonly hits: readonly { readonly _source: LogDocument }[] };
  return hits.map(({ _source }) => _source);
}

/** The address that shows these documents in a browser. */
export function searchPage({ url }: OpenSearch, field: string, value: string): string {
  return `${url}/ppuri-*/_search?${new URLSearchParams({ q: `${field}:"${value}"`, pretty: 'true' })}`;
}
