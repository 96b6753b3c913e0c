// HTML as tagged templates: every value is escaped, unless it is HTML that was made the same way.

/** HTML that may be sent as it is. Only `html` makes it, so no text of a caller is taken for it. */
export class Html {
  readonly #text: string;
  private constructor(text: string) {
    this.#text = text;
  }

  /** What may stand between the parts of a template. An undefined one is nothing. */
  static join(parts: readonly string[], values: readonly Value[]): Html {
    let text = parts[0] ?? '';
    values.forEach((value, index) => {
      text += textOf(value) + (parts[index + 1] ?? '');
    });
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

/** What a template takes. */
export type Value = Html | string | number | bigint | undefined | readonly Value[];

/** Makes HTML. Values may stand between tags and in attributes with quotes, and nowhere else. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return Html.join(parts, values);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // No character of HTML; browsers would show something else in its place.
  '\0': '\ufffd',
};

function textOf(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(textOf).join('');
  return String(value).replace(/[&<>"'\0]/g, (character) => ESCAPES[character] ?? '');
}
