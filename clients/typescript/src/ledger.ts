/** The items of an operation with their outcomes, and the cancel of an operation. */

import { type Http, segment } from "./http.js";
import { Listing } from "./listing.js";
import { pageOf, shaped } from "./shapes.js";
import type { Item, ItemPage, ListItems, RequestOptions, ResourceReference } from "./types.js";

export class Ledger {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The items of the operation, by ascending index. */
  listItems(operationId: string, request: ListItems = {}, options?: RequestOptions): Listing<ItemPage, Item> {
    const fetch = async (pageToken?: string): Promise<ItemPage> => {
      const path = `${operationPath(operationId)}/Items`;
      const response = await this.#http.json({ method: "GET", path, query: { ...request, pageToken }, options });
      return pageOf(response, "items", (item) => shaped<Item>(item, "index"));
    };
    return new Listing(fetch, ({ items }) => items, request.pageToken);
  }

  /** Cancels the operation: after this call no more items are applied. {@link Conflict} if it is final already. */
  async cancel(operationId: string, options?: RequestOptions): Promise<ResourceReference> {
    const path = `${operationPath(operationId)}/Cancel`;
    const { body } = await this.#http.json({ method: "POST", path, options });
    return shaped<ResourceReference>(body, "resourceId");
  }
}

function operationPath(operationId: string): string {
  return `/signalbox/v1/SenderPools/Operations/${segment(operationId)}`;
}
