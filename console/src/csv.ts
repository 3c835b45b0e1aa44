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

/** The rows of a text without blank lines; LF, CRLF and CR end a line. `open` is the line of the row with an unclosed quote. */
export function parse(text: string): { rows: Row[]; open: number | null } {
  const rows: Row[] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  let line = 1;
  let start = 1;
  const end = () => {
    if (cells.length || cell) rows.push({ line: start, cells: [...cells, cell] });
    cells = [];
    cell = "";
  };
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at += 1) {
    const character = text[at]!;
    const ends = character === "\n" || (character === "\r" && text[at + 1] !== "\n");
    if (ends) line += 1;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') cell += text[(at += 1)];
      else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === ",") {
      cells.push(cell);
      cell = "";
    } else if (ends) {
      end();
      start = line;
    } else if (character !== "\r") cell += character;
  }
  end();
  return { rows, open: quoted ? start : null };
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

const COLUMNS = ["channel", "address", "displayName", "status", "tags", "region"];
const SENDER_ID = /^comms_sender_[0-7][a-hjkmnpqrstv-z0-9]{25,34}$/;

/** Reads a text and finds problems that need no server; the addresses themselves are checked by the server. */
export function check(text: string, ids: boolean): Desk {
  const { rows, open } = parse(text);
  const complaints: Complaint[] = open ? [{ line: open, message: "a quote that opens here does not close" }] : [];
  const header = rows[0];
  if (!header) return { kind: "inventory", header: 0, columns: [], rows: [], complaints };
  const names = header.cells.map((cell) => cell.trim());
  if (ids && (names[0] === "senderId" || names[0]?.startsWith("comms_sender_"))) return checkIds(rows, names, complaints);
  const body = rows.slice(1);
  const wrong = checkHeader(header.line, names, ids);
  const found = wrong.length ? wrong : checkRows(body, names);
  return { kind: "inventory", header: header.line, columns: names, rows: body, complaints: [...complaints, ...found] };
}

function checkHeader(line: number, names: readonly string[], ids: boolean): Complaint[] {
  const found: Complaint[] = [];
  for (const [at, name] of names.entries()) {
    if (!COLUMNS.includes(name)) {
      const near = COLUMNS.find((one) => one.toLowerCase() === name.toLowerCase().replace(/[_ -]/g, ""));
      const told = near ? `: did you mean ${near}?` : `; there are ${COLUMNS.join(", ")}${ids ? ", or one column senderId" : ""}`;
      found.push({ line, message: `column ${at + 1}, ${name || "without a name"}, is none that a sender has${told}` });
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
    const [channel = "", address = "", , status = "", tags = "", region = ""] = COLUMNS.map((name) => cells[at[name]!] ?? "");
    if (!channel) say("the channel is missing");
    else if (!(CHANNELS as readonly string[]).includes(channel)) say(`channel must be one of ${CHANNELS.join(", ")}`);
    if (!address) say("the address is missing");
    else if (isNational(channel, address)) region || say("a short code or an alphanumeric id needs its region, such as GB");
    else if (/^(SMS|WHATSAPP)$/.test(channel) && !/^\+[0-9]+$/.test(address)) say("a number is + and digits alone");
    else if (channel === "EMAIL" && !address.includes("@")) say("a mailbox has an @");
    if (status && !(STATUSES as readonly string[]).includes(status)) say(`status must be one of ${STATUSES.join(", ")}`);
    if (tags && !/^[\w.~-]+=[\w.~-]+(;[\w.~-]+=[\w.~-]+){0,9}$/.test(tags)) say("tags are k=v;k=v, at most 10");
    if (region && !/^[A-Z]{2}$/.test(region)) say("region must be a country, two capital letters such as GB");
    const key = isNational(channel, address) ? `${channel} ${address} ${region}` : `${channel} ${address}`;
    if (address && before.has(key)) say(`the same sender as in line ${before.get(key)}`);
    else before.set(key, line);
  }
  return found;
}

/** Whether this is a short code or an alphanumeric id, which is another sender in each country. */
export function isNational(channel: string, address: string): boolean {
  return channel === "SMS" && (/^[0-9]{3,8}$/.test(address) || /^(?=.*[A-Za-z])[A-Za-z0-9 &*+._-]{1,11}$/.test(address));
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
