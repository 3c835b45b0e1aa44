/** From JSON to the types of the client: times become dates, and the ETag of a resource is remembered. */

import type { Answer } from "./http.js";
import type { Operation, Sender, SenderPool, Template } from "./types.js";

const etags = new WeakMap<object, string>();

/**
 * The state in which a single resource was fetched, for `ifMatch`; undefined for one out of a list.
 *
 * Of `senderPools.fetch`, `senderPools.fetchOperation`, `senders.fetch`, `inventory.update`, `templates.fetch`,
 * `templates.put`.
 */
export function etagOf(resource: object): string | undefined {
  return etags.get(resource);
}

/** A resource straight out of JSON, where its times are still strings, with dates for them. */
export function dated<T extends Sender | SenderPool | Operation | Template>(read: T): T {
  return { ...read, createdAt: new Date(read.createdAt), updatedAt: new Date(read.updatedAt) };
}

/** A single resource, with its ETag. */
export function resource<T extends Sender | SenderPool | Operation | Template>({ body, headers }: Answer): T {
  const made = dated(body as T);
  const etag = headers.get("etag");
  if (etag !== null) etags.set(made, etag);
  return made;
}
