/** People who get nothing, and what is kept about people. */

import type { CreateOptOut, Forgotten, ForgetRecipient, ListOptOuts, OptOut, OptOutPage } from "./decision-types.js";
import { type Http, segment } from "./http.js";
import { Listing } from "./listing.js";
import { pageOf, shaped } from "./shapes.js";
import type { RequestOptions, ResourceReference } from "./types.js";

const ROOT = "/signalbox/v1/OptOuts";

export class OptOuts {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The account's opt-outs, newest first. */
  list(request: ListOptOuts = {}, options?: RequestOptions): Listing<OptOutPage, OptOut> {
    const fetch = async (pageToken?: string): Promise<OptOutPage> => {
      const query = { ...request, pageToken };
      return pageOf(await this.#http.json({ method: "GET", path: ROOT, query, options }), "optOuts", optOut);
    };
    return new Listing(fetch, (page) => page.optOuts, request.pageToken);
  }

  /** Opts a person out of the pool, or of the whole account. Who has opted out already keeps that opt-out. */
  async create(request: CreateOptOut, options?: RequestOptions): Promise<OptOut> {
    return optOut((await this.#http.json({ method: "POST", path: ROOT, json: request, options })).body);
  }

  /** Deletes an opt-out: the person gets messages again. */
  async delete(optOutId: string, options?: RequestOptions): Promise<ResourceReference> {
    const { body } = await this.#http.json({ method: "DELETE", path: `${ROOT}/${segment(optOutId)}`, options });
    return shaped<ResourceReference>(body, "resourceId");
  }
}

/** What is kept about people beyond their messages. */
export class Recipients {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Erases which senders have reached the address, and with `optOuts` its opt-outs. Messages stay. */
  async forget(request: ForgetRecipient, options?: RequestOptions): Promise<Forgotten> {
    const path = "/signalbox/v1/Recipients/Forget";
    const { body } = await this.#http.json({ method: "POST", path, json: request, options });
    return shaped<Forgotten>(body, "keptSenders", "optOuts");
  }
}

function optOut(value: unknown): OptOut {
  const read = shaped<OptOut>(value, "createdAt");
  return { ...read, createdAt: new Date(read.createdAt) };
}
