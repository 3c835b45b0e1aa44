/** How many things a list has, and whether a worker is running. */

import { type Http, segment } from "./http.js";
import type { CountOperations, CountSenders, Created, RequestOptions, Total, WorkersState } from "./types.js";

/** Counts what the lists with the same filters have, up to 10,000. */
export class Totals {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** How many senders `senders.list` finds. */
  senders(request: CountSenders = {}, options?: RequestOptions): Promise<Total> {
    return this.#total("Senders", request, options);
  }

  /** How many pools `senderPools.list` finds. */
  senderPools(request: Created = {}, options?: RequestOptions): Promise<Total> {
    return this.#total("SenderPools", request, options);
  }

  /** How many senders `senderPools.listSenders` finds in the pool. */
  async sendersOfPool(senderPoolId: string, request: CountSenders = {}, options?: RequestOptions): Promise<Total> {
    return this.#total(`SenderPools/${segment(senderPoolId)}/Senders`, request, options);
  }

  /** How many operations `senderPools.listOperations` finds. */
  operations(request: CountOperations = {}, options?: RequestOptions): Promise<Total> {
    return this.#total("SenderPools/Operations", request, options);
  }

  async #total(noun: string, query: object, options: RequestOptions | undefined): Promise<Total> {
    const path = `/signalbox/v1/${noun}/Total`;
    return (await this.#http.json({ method: "GET", path, query, options })).body as Total;
  }
}

/** The workers of all processes on the server's database. */
export class Workers {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Whether a worker is running: without one, operations wait. */
  async fetch(options?: RequestOptions): Promise<WorkersState> {
    return (await this.#http.json({ method: "GET", path: "/signalbox/v1/Workers", options })).body as WorkersState;
  }
}
