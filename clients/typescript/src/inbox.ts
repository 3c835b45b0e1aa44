/** What the phones received. */

import { type Http, segment } from "./http.js";
import { Listing } from "./listing.js";
import type { InboxItem, InboxPage, ListInbox, ReportItem, WaitForItem } from "./message-types.js";
import { pageOf, shaped } from "./shapes.js";
import type { RequestOptions } from "./types.js";

const ROOT = "/signalbox/v1/Inbox";

export class Inbox {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** What arrived, newest first. */
  list(request: ListInbox = {}, options?: RequestOptions): Listing<InboxPage, InboxItem> {
    const fetch = async (pageToken?: string): Promise<InboxPage> => {
      const query = { ...request, pageToken };
      return pageOf(await this.#http.json({ method: "GET", path: ROOT, query, options }), "items", item);
    };
    return new Listing(fetch, (page) => page.items, request.pageToken);
  }

  async fetch(id: string, options?: RequestOptions): Promise<InboxItem> {
    return item((await this.#http.json({ method: "GET", path: itemPath(id), options })).body);
  }

  /** The oldest message that matches: at once if it is there, else when it arrives; null after `waitInSeconds`. */
  async wait(request: WaitForItem = {}, options?: RequestOptions): Promise<InboxItem | null> {
    const { waitInSeconds = 10, ...rest } = request;
    if (!Number.isInteger(waitInSeconds) || waitInSeconds < 1 || waitInSeconds > 60) {
      throw new TypeError("waitInSeconds must be a whole number, 1 to 60");
    }
    const query = { ...rest, timeout: waitInSeconds };
    const call = { method: "GET", path: `${ROOT}/Wait`, query, extraSeconds: waitInSeconds, options } as const;
    const found = shaped<{ item: unknown }>((await this.#http.json(call)).body, "item");
    return found.item === null ? null : item(found.item);
  }

  /** Reports what the phone would report about the message. */
  async report(id: string, request: ReportItem, options?: RequestOptions): Promise<void> {
    await this.#http.json({ method: "POST", path: `${itemPath(id)}/Report`, json: request, options });
  }

  /** Replies as the person who received the message: an inbound message to its sender. */
  async reply(id: string, request: { readonly text: string }, options?: RequestOptions): Promise<void> {
    await this.#http.json({ method: "POST", path: `${itemPath(id)}/Reply`, json: request, options });
  }

  /** Empties the inbox: what arrived until now. The messages stay in `messages.list`. */
  async clear(options?: RequestOptions): Promise<void> {
    await this.#http.json({ method: "DELETE", path: ROOT, options });
  }
}

function itemPath(id: string): string {
  return `${ROOT}/${segment(id)}`;
}

function item(value: unknown): InboxItem {
  const read = shaped<InboxItem>(value, "receivedAt");
  return { ...read, receivedAt: new Date(read.receivedAt) };
}
