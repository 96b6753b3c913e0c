// Translates the patterns of validation rules from RE2 (protovalidate) into ECMA-262 with the u flag (JSON Schema).

// Ranges instead of \p{…}, because some validators run on engines without Unicode properties.
const RANGES: Readonly<Record<string, string>> = {
  Cc: '\\u0000-\\u001f\\u007f-\\u009f',
  'alpha:': 'A-Za-z',
  'digit:': '0-9',
  'alnum:': '0-9A-Za-z',
  'upper:': 'A-Z',
  'lower:': 'a-z',
  'word:': '0-9A-Za-z_',
  'xdigit:': '0-9A-Fa-f',
  'print:': ' -~',
  'graph:': '!-~',
};

// A Unicode class, a POSIX class, any other escape, the dot, a bracket, or a flag group.
const TOKEN = /\\([pP])(?:\{(\^?)(\w+)\}|(\w))|\[:(\w+:)\]|\\(.)|([.[\]])|\(\?[imsU-]+[:)]/gsu;

/** The pattern for a JSON Schema. Throws for RE2 syntax that ECMA-262 does not have. */
export function ecmaPattern(re2: string): string {
  let inClass = false;
  const translated = re2.replace(
    TOKEN,
    (
      token: string,
      p?: string,
      not?: string,
      long?: string,
      short?: string,
      posix?: string,
      escaped?: string,
      sign?: string,
    ) => {
      if (p) return unicodeClass((p === 'P') !== (not === '^'), long ?? short ?? '', inClass);
      if (posix) return posixClass(posix, re2);
      if (escaped) return escaping(escaped, inClass, re2);
      if (sign === '.') return inClass ? '.' : '[^\\n]';
      if (sign === '[' && inClass) return '\\[';
      if (sign) {
        inClass = sign === '[';
        return sign;
      }
      throw new Error(`the pattern ${re2} has flags (${token}), which a JSON Schema cannot have`);
    },
  );
  const visible = translated.replace(BEYOND_ASCII, asEscape);
  new RegExp(visible, 'u');
  return visible;
}

/** In the basic plane, where ECMA-262, Java and Python use the same escape; most of these characters are invisible. */
const BEYOND_ASCII = /[\u0080-\ud7ff\ue000-\uffff]/gu;

function asEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function unicodeClass(negated: boolean, name: string, inClass: boolean): string {
  const range = RANGES[name];
  if (range && inClass && !negated) return range;
  if (range && !inClass) return `[${negated ? '^' : ''}${range}]`;
  return `\\${negated ? 'P' : 'p'}{${name}}`;
}

function posixClass(name: string, re2: string): string {
  const range = RANGES[name];
  if (!range) throw new Error(`the pattern ${re2} has the class [:${name}], which is unknown here`);
  return range;
}

function escaping(character: string, inClass: boolean, re2: string): string {
  if (character === 'A') return '^';
  if (character === 'z') return '$';
  if (character === 'a') return '\\u0007';
  if (/[CQE]/.test(character)) throw new Error(`the pattern ${re2} has \\${character}, which ECMA-262 lacks`);
  // With the u flag only syntax characters may be escaped.
  const isPlain =
    /[^\w^$\\.*+?()[\]{}|/-]/u.test(character) || character === '_' || (character === '-' && !inClass);
  return isPlain ? character : `\\${character}`;
}
