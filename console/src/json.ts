/** JSON texts by their tokens. Each token stays as it was written: numbers keep their digits, strings their escapes. */

/** A value: the token of a string, a number or a word, or a group. */
export type Json = string | Group;

interface Group {
  open: "{" | "[";
  entries: { key: string; value: Json }[];
  /** How many characters it takes on one line. */
  width: number;
}

// Strings, marks, and everything else: numbers and words.
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
// A text that is nested deeper is shown as it is.
const MOST_DEPTH = 200;
// Characters of a group that stays on one line, its indent included.
const ROOM = 80;

/** The value of a JSON text; null when the text is no JSON, or nested too deep to be shown as a tree. */
export function parse(text: string): Json | null {
  if (!isJson(text)) return null;
  const root: Group = { open: "[", entries: [], width: 0 };
  const groups = [root];
  const tokens = text.match(TOKENS)!;
  let key = "";
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]!;
    const group = groups.at(-1)!;
    if (token === "," || token === ":") continue;
    if (token === "}" || token === "]") {
      groups.pop();
      groups.at(-1)!.width += group.width + 4;
    } else if (tokens[at + 1] === ":") {
      key = token;
      group.width += key.length + 2;
    } else {
      const value = token === "{" || token === "[" ? { open: token, entries: [], width: 0 } as Group : token;
      group.entries.push({ key, value });
      key = "";
      if (typeof value === "string") group.width += value.length + 2;
      else groups.push(value);
      if (groups.length > MOST_DEPTH) return null;
    }
  }
  return root.entries[0]!.value;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The value as text for people: what is short is on one line, the rest is indented by `step`. */
export function write(json: Json, step = "  ", word = (token: string) => token, indent = ""): string {
  if (typeof json === "string") return word(json);
  const [open, close] = json.open === "{" ? ["{", "}"] : ["[", "]"];
  const short = indent.length + json.width <= ROOM;
  const inside = short ? indent : indent + step;
  const parts = json.entries.map(({ key, value }) => `${key && `${key}: `}${write(value, step, word, inside)}`);
  if (short) return `${open}${parts.join(", ")}${close}`;
  return `${open}\n${parts.map((part) => `${inside}${part}`).join(",\n")}\n${indent}${close}`;
}

/** A JSON text for people; as it is when it is no JSON. */
export function pretty(text: string): string {
  const json = parse(text);
  return json === null ? text : write(json);
}

/**
 * The value of a JSON text as code of a language whose values look like JSON; null when the language could send another
 * text than this one, apart from white space: a number such as `1.0`, a name that stands twice.
 */
export function codeOf(
  text: string,
  step: string,
  indent: string,
  words: Readonly<Record<string, string>>,
): string | null {
  const json = parse(text);
  if (json === null || text.trim() === "null" || /\\ud[89a-f]|"__proto__"/i.test(text)) return null;
  if (text.match(TOKENS)!.join("") !== JSON.stringify(JSON.parse(text))) return null;
  return write(json, step, (token) => words[token] ?? token, indent);
}
