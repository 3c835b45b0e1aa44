/** The search by names, and the names of ids. */

import type { Http } from "./http.js";
import { Listing } from "./listing.js";
import { dated } from "./shapes.js";
import type { IdNames, RequestOptions, SearchNames, Sender, SenderPage, SenderPool, SenderPoolPage } from "./types.js";

export class Names {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The pools whose name starts with the text in any case, with this tag, or with this end of their id. */
  searchSenderPools(request: SearchNames, options?: RequestOptions): Listing<SenderPoolPage, SenderPool> {
    const fetch = async (pageToken?: string): Promise<SenderPoolPage> => {
      const json = { ...request, pageToken };
      const path = "/signalbox/v1/SenderPools/Search";
      const page = (await this.#http.json({ method: "POST", path, json, options })).body as SenderPoolPage;
      return { ...page, senderPools: page.senderPools.map(dated<SenderPool>) };
    };
    return new Listing(fetch, ({ senderPools }) => senderPools, request.pageToken);
  }

  /** The senders whose display name or address starts with the text, with this tag, or with this end of their id. */
  searchSenders(request: SearchNames, options?: RequestOptions): Listing<SenderPage, Sender> {
    const fetch = async (pageToken?: string): Promise<SenderPage> => {
      const json = { ...request, pageToken };
      const path = "/signalbox/v1/Senders/Search";
      const page = (await this.#http.json({ method: "POST", path, json, options })).body as SenderPage;
      return { ...page, senders: page.senders.map(dated<Sender>) };
    };
    return new Listing(fetch, ({ senders }) => senders, request.pageToken);
  }

  /** What 1 to 1,000 ids of sender pools, senders and operations are called. Unknown ids are left out. */
  async name(ids: readonly string[], options?: RequestOptions): Promise<IdNames> {
    const { body } = await this.#http.json({ method: "POST", path: "/signalbox/v1/Names", json: { ids }, options });
    return body as IdNames;
  }
}
