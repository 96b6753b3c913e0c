// HTML as templates: what is put in is escaped, unless it is HTML itself.

/** Markup. */
export interface Html {
  readonly html: string;
}

/** What can be put into a template. Undefined and false are nothing. */
export type Content = Html | string | number | undefined | false | readonly Content[];

/** Markup with contents put in. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return {
    html: strings
      .map((text, index) => text + (index < contents.length ? textOf(contents[index]) : ''))
      .join(''),
  };
}

function textOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (typeof content === 'object') return 'html' in content ? content.html : content.map(textOf).join('');
  return escapeHtml(String(content));
}

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPED[character] ?? character);
}

/** A sentence in which code stands between backticks. */
export function inline(text: string): Html {
  const parts = text.split(/`([^`]+)`/);
  return {
    html: parts
      .map((part, index) => (index % 2 === 1 ? `<code>${escapeHtml(part)}</code>` : escapeHtml(part)))
      .join(''),
  };
}

/** Paragraphs, which empty lines separate. */
export function prose(text: string): Html {
  return html`${text.split('\n\n').map((paragraph) => html`<p>${inline(paragraph)}</p>\n`)}`;
}

/** The first sentence of a text, in either language. */
export const firstSentence = (text: string) => text.split(/(?<=[.!?])\s/, 1)[0] ?? '';
