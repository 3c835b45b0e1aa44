/** The account's senders, and which of them reach a person. */

import { type Http, segment } from "./http.js";
import { Listing } from "./listing.js";
import { dated, pageOf, resource, shaped } from "./shapes.js";
import type {
  ListSenders,
  RequestOptions,
  Resolutions,
  ResolveSenders,
  SearchSenders,
  Sender,
  SenderPage,
} from "./types.js";

export class Senders {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** All senders, newest first. */
  list(request: ListSenders = {}, options?: RequestOptions): Listing<SenderPage, Sender> {
    return senderListing(this.#http, () => "/v1/Senders", request, options);
  }

  async fetch(senderId: string, options?: RequestOptions): Promise<Sender> {
    return resource(await this.#http.json({ method: "GET", path: `/v1/Senders/${segment(senderId)}`, options }));
  }

  /** The sender with this address, if it exists. The address is not in URLs or logs. */
  search(request: SearchSenders, options?: RequestOptions): Listing<SenderPage, Sender> {
    const fetch = async (pageToken?: string): Promise<SenderPage> => {
      const json = { ...request, pageToken };
      const path = "/v1/Senders/Search";
      return pageOf(await this.#http.json({ method: "POST", path, json, options }), "senders", dated<Sender>);
    };
    return new Listing(fetch, ({ senders }) => senders, request.pageToken);
  }

  /** The senders that reach this person, best first: at most 10. */
  async resolve(request: ResolveSenders, options?: RequestOptions): Promise<Resolutions> {
    const path = "/v1/Senders/Resolve";
    const { body } = await this.#http.json({ method: "POST", path, json: request, options });
    return shaped<Resolutions>(body, "results");
  }
}

/** Senders at a path. The path is made when the first page is fetched, so that a wrong id fails there. */
export function senderListing(
  http: Http,
  path: () => string,
  request: ListSenders,
  options: RequestOptions | undefined,
): Listing<SenderPage, Sender> {
  const fetch = async (pageToken?: string): Promise<SenderPage> =>
    pageOf(
      await http.json({ method: "GET", path: path(), query: { ...request, pageToken }, options }),
      "senders",
      dated<Sender>,
    );
  return new Listing(fetch, ({ senders }) => senders, request.pageToken);
}
