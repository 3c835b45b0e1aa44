/** CSV (RFC 4180): reads and writes it, with the line of every row; checks senders as far as the browser can. */
import { CHANNELS, STATUSES } from "./wire.ts";

export interface Row {
  /** The line on which the row starts, from 1. */
  line: number;
  cells: string[];
}

export interface Complaint {
  line: number;
  message: string;
}

/**
 * The rows of a text without empty lines; LF, CRLF and CR end a line. A row that RFC 4180 cannot read ends with its first line,
 * which is in `bad`: most such rows lack a closing quote, which would otherwise take in the rows below.
 */
export function parse(text: string, delimiter = ","): { rows: Row[]; bad: number[] } {
  const rows: Row[] = [];
  const bad: number[] = [];
  let openUntil = 0;
  let line = 1;
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; ) {
    const { cells, end } = rowAt(text, at, delimiter, openUntil);
    if (!cells) {
      bad.push(line);
      openUntil = Math.max(openUntil, end);
    } else if (cells.length > 1 || cells[0]) rows.push({ line, cells });
    const next = after(text, cells ? end : find(LINE_END, text, at));
    line += cells && end > at ? (text.slice(at, next).match(LINE_ENDS)?.length ?? 0) : 1;
    at = next;
  }
  return { rows, bad };
}

/** The row at a place, and where it ends; without cells where it turned out to be badly quoted. */
function rowAt(text: string, start: number, delimiter: string, openUntil: number): { cells: string[] | null; end: number } {
  const cells: string[] = [];
  for (let at = start; ; at += 1) {
    if (text[at] !== '"') {
      const end = find(STOPS[delimiter]!, text, at);
      cells.push(text.slice(at, end));
      at = end;
    } else {
      let cell = "";
      for (;;) {
        const close = text.indexOf('"', at + 1);
        // A quoted cell that goes on into a line goes on badly or not, whichever row it comes from.
        const goesOn = openUntil > at && find(LINE_END, text, at) < Math.min(close < 0 ? text.length : close, openUntil);
        if (close < 0 || goesOn) return { cells: null, end: goesOn ? openUntil : text.length };
        cell += text.slice(at + 1, close);
        at = close + 1;
        if (text[at] !== '"') break;
        cell += '"';
      }
      cells.push(cell);
      if (at < text.length && ![delimiter, "\n", "\r"].includes(text[at]!)) return { cells: null, end: at };
    }
    if (text[at] !== delimiter) return { cells, end: at };
  }
}

const LINE_END = /[\r\n]/g;
const LINE_ENDS = /\r\n|[\r\n]/g;
const STOPS: Record<string, RegExp> = { ",": /[,\r\n]/g, ";": /[;\r\n]/g, "\t": /[\t\r\n]/g, "|": /[|\r\n]/g };

/** Where a pattern matches next; the end of the text if it does not. */
function find(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

/** Where the line after the line end at a place begins. */
function after(text: string, end: number): number {
  return end + (text.startsWith("\r\n", end) ? 2 : 1);
}

/** The delimiter: the first in the header, or that of a line `sep=;` above it, which is then the first row. */
function recognised(text: string): { delimiter: string; given: boolean } {
  const header = /^\ufeff?[\s,;"]*([^\r\n]*)/.exec(text)?.[1] ?? "";
  const given = /^sep=([,;\t|])"?[\s,;]*$/i.exec(header)?.[1];
  return { delimiter: given ?? /[,;\t]/.exec(header)?.[0] ?? ",", given: given !== undefined };
}

/** The text of a file, by its byte order mark or as UTF-8. Throws an error for a file that is no text. */
export async function textOf(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const starts = (...magic: number[]) => magic.every((byte, at) => bytes[at] === byte);
  if (starts(0x50, 0x4b, 3, 4)) throw new Error("This is a workbook (.xlsx) or a ZIP file. Save the sheet as CSV.");
  if (starts(0xd0, 0xcf, 0x11, 0xe0)) throw new Error("This is a workbook (.xls). Save the sheet as CSV.");
  if (starts(0x1f, 0x8b)) throw new Error("This file is packed with gzip. Unpack it first.");
  if (starts(0xff, 0xfe)) return new TextDecoder("utf-16le").decode(bytes);
  if (starts(0xfe, 0xff)) return new TextDecoder("utf-16be").decode(bytes);
  return new TextDecoder().decode(bytes);
}

// What spreadsheets take for the start of a formula, behind any number of apostrophes.
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** The cell of a file for spreadsheets: with an apostrophe in front of what begins like a formula. */
export function neutralised(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

function restored(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}

export function csvOf(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const write = (cell: string | number | null) => {
    const text = cell === null ? "" : String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(write).join(",")).join("\r\n") + "\r\n";
}

/** Downloads a text as a file. */
export function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A parsed text of senders: rows of inventory, or ids of existing senders. */
export interface Desk {
  kind: "inventory" | "ids";
  /** The line of the header; 0 without a header. */
  header: number;
  columns: readonly string[];
  rows: readonly Row[];
  complaints: readonly Complaint[];
}

/** The rows without problems; none when the header has a problem. */
export function good(desk: Desk): readonly Row[] {
  const bad = new Set(desk.complaints.map((one) => one.line));
  return bad.has(desk.header) ? [] : desk.rows.filter((row) => !bad.has(row.line));
}

const COLUMNS = ["channel", "address", "displayName", "status", "tags"];
const SENDER_ID = /^comms_sender_[0-7][a-hjkmnpqrstv-z0-9]{25,34}$/;

// The columns in front of a file of refused rows, which the command line writes.
const REFUSED = ["refusedLine", "refusedContext", "refusedCode", "refusedMessage"];
const BADLY_QUOTED = "the row is badly quoted: a quote does not close, or the delimiter does not follow it";

/** Reads a text and finds problems that need no server; the addresses themselves are checked by the server. */
export function check(text: string, ids: boolean): Desk {
  const { delimiter, given } = recognised(text);
  const parsed = parse(text, delimiter);
  const rows = parsed.rows.filter((row) => !blank(row.cells)).slice(given ? 1 : 0);
  const complaints: Complaint[] = parsed.bad.map((line) => ({ line, message: BADLY_QUOTED }));
  const header = rows[0];
  const before = parsed.bad[0];
  if (!header || (before && before < header.line)) {
    return { kind: "inventory", header: before ?? 0, columns: [], rows: [], complaints };
  }
  const all = header.cells.map((cell) => cell.trim());
  if (ids && (all[0] === "senderId" || all[0]?.startsWith("comms_sender_"))) return checkIds(rows, all, complaints);
  const dropped = REFUSED.every((name, at) => all[at] === name) ? REFUSED.length : 0;
  const names = withoutEmptyEnd(all.slice(dropped), 0);
  const body = rows.slice(1).map(({ line, cells }) => {
    const own = dropped ? cells.slice(dropped).map(restored) : cells;
    return { line, cells: withoutEmptyEnd(own, names.length) };
  }).filter((row) => !blank(row.cells));
  const wrong = checkHeader(header.line, names, dropped, ids);
  const found = wrong.length ? wrong : checkRows(body, names);
  return { kind: "inventory", header: header.line, columns: names, rows: body, complaints: [...complaints, ...found] };
}

function blank(cells: readonly string[]): boolean {
  return cells.every((cell) => !cell.trim());
}

function withoutEmptyEnd(cells: string[], least: number): string[] {
  let end = cells.length;
  while (end > least && !cells[end - 1]!.trim()) end -= 1;
  return cells.slice(0, end);
}

function checkHeader(line: number, names: readonly string[], dropped: number, ids: boolean): Complaint[] {
  const found: Complaint[] = [];
  for (const [at, name] of names.entries()) {
    if (!COLUMNS.includes(name)) {
      const near = COLUMNS.find((one) => one.toLowerCase() === name.toLowerCase().replace(/[_ -]/g, ""));
      const told = near ? `: did you mean ${near}?` : `; there are ${COLUMNS.join(", ")}${ids ? ", or one column senderId" : ""}`;
      found.push({ line, message: `column ${at + dropped + 1}, ${name || "without a name"}, is none that a sender has${told}` });
    } else if (names.indexOf(name) < at) found.push({ line, message: `the column ${name} is there twice` });
  }
  for (const name of ["channel", "address"]) {
    if (!names.includes(name)) found.push({ line, message: `the column ${name} is missing` });
  }
  return found;
}

function checkRows(rows: readonly Row[], names: readonly string[]): Complaint[] {
  const found: Complaint[] = [];
  const before = new Map<string, number>();
  const at = Object.fromEntries(COLUMNS.map((name) => [name, names.indexOf(name)]));
  for (const { line, cells } of rows) {
    const say = (message: string) => found.push({ line, message });
    if (cells.length !== names.length) {
      say(`${cells.length} cells, the header has ${names.length}`);
      continue;
    }
    const [channel = "", address = "", , status = "", tags = ""] = COLUMNS.map((name) => cells[at[name]!] ?? "");
    if (!channel) say("the channel is missing");
    else if (!(CHANNELS as readonly string[]).includes(channel)) say(`channel must be one of ${CHANNELS.join(", ")}`);
    if (!address) say("the address is missing");
    else if (/^(SMS|WHATSAPP)$/.test(channel) && !/^\+[0-9]+$/.test(address)) say("a number is + and digits alone");
    else if (channel === "EMAIL" && !address.includes("@")) say("a mailbox has an @");
    if (status && !(STATUSES as readonly string[]).includes(status)) say(`status must be one of ${STATUSES.join(", ")}`);
    if (tags && !/^[\w.~-]+=[\w.~-]+(;[\w.~-]+=[\w.~-]+){0,9}$/.test(tags)) say("tags are k=v;k=v, at most 10");
    const key = `${channel} ${address}`;
    if (address && before.has(key)) say(`the same sender as in line ${before.get(key)}`);
    else before.set(key, line);
  }
  return found;
}

function checkIds(rows: readonly Row[], names: readonly string[], complaints: Complaint[]): Desk {
  const named = names[0] === "senderId";
  const body = named ? rows.slice(1) : rows;
  const before = new Map<string, number>();
  for (const { line, cells } of body) {
    const id = cells[0]!.trim();
    if (!SENDER_ID.test(id)) complaints.push({ line, message: "this is no sender id: comms_sender_ and 26 characters" });
    else if (before.has(id)) complaints.push({ line, message: `the same sender as in line ${before.get(id)}` });
    else before.set(id, line);
  }
  return { kind: "ids", header: named ? rows[0]!.line : 0, columns: ["senderId"], rows: body, complaints };
}
