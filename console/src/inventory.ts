/** Enters senders in several requests, and finds their ids by channel and address. */
import { ask, type Call } from "./api.ts";
import { csvOf, good, type Complaint, type Desk, type Row } from "./csv.ts";
import type { Entered, Pagination, Sender } from "./wire.ts";

export type Report = (done: number, total: number) => void;

export interface Result {
  created: number;
  updated: number;
  refused: Complaint[];
  /** The rows that were entered. */
  rows: Row[];
}

// Rows of one request; few enough that the progress is visible.
const PIECE = 1000;
// Browsers open six connections to a server; two are for event streams.
const AT_ONCE = 4;

export function enterCall(text: string): Call {
  return { method: "POST", path: "/signalbox/v1/Senders", body: text, media: "text/csv" };
}

export function nothing(): Result {
  return { created: 0, updated: 0, refused: [], rows: [] };
}

/**
 * Enters the rows without problems, and adds to `result` after each request, with the lines of the rows that the server refused.
 * So the result is right also when a later request fails.
 */
export async function enter(desk: Desk, report: Report, result: Result): Promise<void> {
  const rows = good(desk);
  for (let at = 0; at < rows.length; at += PIECE) {
    report(at, rows.length);
    const piece = rows.slice(at, at + PIECE);
    const entered = await ask<Entered>(enterCall(csvOf(desk.columns, piece.map((row) => row.cells))));
    result.created += entered.created;
    result.updated += entered.updated;
    const refused = new Set<number>();
    for (const { context, message } of entered.refused) {
      const [, index = "0", member] = /^\$\[(\d+)\]\.?(.*)$/.exec(context) ?? [];
      refused.add(Number(index));
      result.refused.push({ line: piece[Number(index)]!.line, message: member ? `${member}: ${message}` : message });
    }
    result.rows.push(...piece.filter((_, index) => !refused.has(index)));
  }
  report(rows.length, rows.length);
}

/** The creation time of the newest sender: senders that are entered now are newer. */
export async function newest(): Promise<string | undefined> {
  const page = await ask<{ senders: Sender[] }>({ path: "/v1/Senders", query: { pageSize: 1 } });
  return page.senders[0]?.createdAt;
}

/**
 * The ids of senders that are in the inventory, in the order of the rows. The response to entering has no ids: new
 * senders are
 * read from the list since `after`, the others are looked up one by one.
 */
export async function idsOf(desk: Desk, rows: readonly Row[], after: string | undefined, report: Report): Promise<string[]> {
  const [channel, address] = [desk.columns.indexOf("channel"), desk.columns.indexOf("address")];
  const known = await created(after, rows.length);
  const ids: (string | undefined)[] = rows.map((row) => known.get(keyOf(row.cells[channel]!, row.cells[address]!)));
  const missing = [...ids.keys()].filter((index) => !ids[index]);
  let done = rows.length - missing.length;
  const work = async () => {
    for (let index = missing.pop(); index !== undefined; index = missing.pop()) {
      const { cells } = rows[index]!;
      const body = { channel: cells[channel], address: cells[address] };
      const found = await ask<{ senders: Sender[] }>({ method: "POST", path: "/v1/Senders/Search", body });
      ids[index] = found.senders[0]?.id;
      report((done += 1), rows.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return [...new Set(ids.filter((id) => id !== undefined))];
}

/** Senders created after a time, by channel and address; not many more than `most`. */
async function created(after: string | undefined, most: number): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let token: string | null = "";
  while (token !== null && found.size < most) {
    const query = { startDate: after, pageSize: 1000, pageToken: token };
    const page: { senders: Sender[]; pagination: Pagination } = await ask({ path: "/v1/Senders", query });
    for (const sender of page.senders) found.set(keyOf(sender.channel, sender.address), sender.id);
    token = page.pagination.next;
  }
  return found;
}

function keyOf(channel: string, address: string): string {
  const domain = address.lastIndexOf("@");
  const spelled = channel === "EMAIL" ? address.slice(0, domain) + address.slice(domain).toLowerCase() : address;
  return `${channel} ${spelled}`;
}
