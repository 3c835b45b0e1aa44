/** Turns JSON into the types of the client: times become dates, and the ETag of a resource is stored. */

import { UnexpectedAnswer } from "./errors.js";
import type { JsonResponse } from "./http.js";
import type { Message, MessageAttempt, MessageOperation } from "./message-types.js";
import type { Operation, Page, Sender, SenderPool, Template } from "./types.js";

/** Servers and proxies refuse URLs of more than 8 KiB. */
const LONGEST_TOKEN = 8192;

const etags = new WeakMap<object, string>();

/**
 * The ETag with which a resource was fetched, for `ifMatch`; undefined for an element of a list.
 *
 * For results of `senderPools.fetch`, `senderPools.fetchOperation`, `senders.fetch`, `inventory.fetch`,
 * `inventory.update`, `templates.fetch`, `templates.put`, `messages.fetch`,
 * `messages.seek` and `messages.fetchOperation`.
 */
export function etagOf(resource: object): string | undefined {
  return etags.get(resource);
}

type Dated = Sender | SenderPool | Operation | Template | Message | MessageAttempt | MessageOperation;

/** Replaces the time strings of a decoded resource by dates. */
export function dated<T extends Dated>(value: unknown): T {
  const read = shaped<T>(value, "createdAt", "updatedAt");
  return { ...read, createdAt: new Date(read.createdAt), updatedAt: new Date(read.updatedAt) };
}

/** A single resource; stores its ETag. */
export function resource<T extends Dated>({ body, headers }: JsonResponse): T {
  const made = dated<T>(body);
  const etag = headers.get("etag");
  if (etag !== null) etags.set(made, etag);
  return made;
}

/** A decoded object, if it has these members; else another program sent it. */
export function shaped<T extends object>(value: unknown, ...members: readonly (keyof T & string)[]): T {
  const missing = members.filter((name) => typeof value !== "object" || value === null || !Object.hasOwn(value, name));
  if (missing.length) throw new UnexpectedAnswer(`the response has no ${missing.join(", ")}; is the URL right?`);
  return value as T;
}

/** One page of a list, whose elements are converted. */
export function pageOf<P extends Page>(
  { body }: JsonResponse,
  list: Exclude<keyof P & string, "pagination">,
  convert: (element: unknown) => unknown,
): P {
  const page = shaped<P>(body, list, "pagination");
  const { next } = shaped<Page["pagination"]>(page.pagination, "next");
  const elements: unknown = page[list];
  if (!Array.isArray(elements) || (next !== null && (typeof next !== "string" || next.length > LONGEST_TOKEN))) {
    throw new UnexpectedAnswer("the response is not a page of this list; is the URL right?");
  }
  return { ...page, [list]: elements.map(convert) };
}
