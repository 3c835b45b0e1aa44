/** Turns JSON into the types of the client: times become dates, and the ETag of a resource is stored. */

import type { JsonResponse } from "./http.js";
import type { Operation, Sender, SenderPool, Template } from "./types.js";

const etags = new WeakMap<object, string>();

/**
 * The ETag with which a resource was fetched, for `ifMatch`; undefined for an element of a list.
 *
 * For results of `senderPools.fetch`, `senderPools.fetchOperation`, `senders.fetch`, `inventory.fetch`,
 * `inventory.update`, `templates.fetch` and `templates.put`.
 */
export function etagOf(resource: object): string | undefined {
  return etags.get(resource);
}

/** Replaces the time strings of a decoded resource by dates. */
export function dated<T extends Sender | SenderPool | Operation | Template>(read: T): T {
  return { ...read, createdAt: new Date(read.createdAt), updatedAt: new Date(read.updatedAt) };
}

/** A single resource; stores its ETag. */
export function resource<T extends Sender | SenderPool | Operation | Template>({ body, headers }: JsonResponse): T {
  const made = dated(body as T);
  const etag = headers.get("etag");
  if (etag !== null) etags.set(made, etag);
  return made;
}
