/** Sender pools, and the operations that fill them. */

import { operations } from "./event-stream.js";
import { type Http, randomKey, segment } from "./http.js";
import { Listing } from "./listing.js";
import { dated, pageOf, resource, shaped } from "./shapes.js";
import { senderListing } from "./senders.js";
import type {
  ChangeOptions,
  CreateSenderPool,
  FetchOperationOptions,
  ListOperations,
  ListSenderPools,
  ListSenders,
  Operation,
  OperationPage,
  OperationReference,
  RequestOptions,
  ResourceReference,
  Sender,
  SenderPage,
  SenderPool,
  SenderPoolPage,
  SenderRef,
  StartOptions,
  UpdateSenderPool,
  WaitOptions,
} from "./types.js";
import { finalOperation, operationAt } from "./waiting.js";

const ROOT = "/v1/SenderPools";

export class SenderPools {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The account's pools, newest first. */
  list(request: ListSenderPools = {}, options?: RequestOptions): Listing<SenderPoolPage, SenderPool> {
    const fetch = async (pageToken?: string): Promise<SenderPoolPage> => {
      const query = { ...request, pageToken };
      return pageOf(await this.#http.json({ method: "GET", path: ROOT, query, options }), "senderPools", dated<SenderPool>);
    };
    return new Listing(fetch, (page) => page.senderPools, request.pageToken);
  }

  /**
   * Creates a pool and starts the operation that adds senders to it; at most 10,000 in one call. The pool exists
   * after this call: `list({ operationId })` returns it.
   */
  async create(request: CreateSenderPool = {}, options?: StartOptions): Promise<OperationReference> {
    const { senders, ...rest } = request;
    return this.#start(ROOT, senders ? { ...rest, senders: references(senders) } : rest, options);
  }

  async fetch(senderPoolId: string, options?: RequestOptions): Promise<SenderPool> {
    return resource(await this.#http.json({ method: "GET", path: poolPath(senderPoolId), options }));
  }

  /** Changes name, tags or both; the tags replace all former tags. */
  async update(
    senderPoolId: string,
    request: UpdateSenderPool,
    options?: ChangeOptions,
  ): Promise<ResourceReference> {
    const headers = { "If-Match": options?.ifMatch };
    const path = poolPath(senderPoolId);
    const { body } = await this.#http.json({ method: "PATCH", path, json: request, headers, options });
    return shaped<ResourceReference>(body, "resourceId");
  }

  /** Deletes the pool and cancels its unfinished operations; its senders stay in the inventory. */
  async delete(senderPoolId: string, options?: ChangeOptions): Promise<ResourceReference> {
    const headers = { "If-Match": options?.ifMatch };
    const { body } = await this.#http.json({ method: "DELETE", path: poolPath(senderPoolId), headers, options });
    return shaped<ResourceReference>(body, "resourceId");
  }

  /** The senders of a pool, newest first. */
  listSenders(
    senderPoolId: string,
    request: ListSenders = {},
    options?: RequestOptions,
  ): Listing<SenderPage, Sender> {
    return senderListing(this.#http, () => `${poolPath(senderPoolId)}/Senders`, request, options);
  }

  /** Starts the operation that adds senders to a pool; at most 1,000 in one call. */
  async addSender(
    senderPoolId: string,
    senders: SenderRef | string | readonly (SenderRef | string)[],
    options?: StartOptions,
  ): Promise<OperationReference> {
    const all = Array.isArray(senders) ? (senders as readonly (SenderRef | string)[]) : [senders as SenderRef | string];
    return this.#start(`${poolPath(senderPoolId)}/Senders`, references(all), options);
  }

  /** Removes a sender from a pool at once; it stays in the inventory. */
  async removeSender(senderPoolId: string, senderId: string, options?: ChangeOptions): Promise<ResourceReference> {
    const path = `${poolPath(senderPoolId)}/Senders/${segment(senderId)}`;
    const headers = { "If-Match": options?.ifMatch };
    const { body } = await this.#http.json({ method: "DELETE", path, headers, options });
    return shaped<ResourceReference>(body, "resourceId");
  }

  /** The account's operations, newest first. */
  listOperations(request: ListOperations = {}, options?: RequestOptions): Listing<OperationPage, Operation> {
    const path = `${ROOT}/Operations`;
    const fetch = async (pageToken?: string): Promise<OperationPage> => {
      const query = { ...request, pageToken };
      return pageOf(await this.#http.json({ method: "GET", path, query, options }), "operations", dated<Operation>);
    };
    return new Listing(fetch, (page) => page.operations, request.pageToken);
  }

  async fetchOperation(operationId: string, options?: FetchOperationOptions): Promise<Operation> {
    return operationAt(this.#http, operationPath(operationId), options);
  }

  /**
   * The operation when it is final. {@link OperationTimeout} when it is not final within `timeoutInSeconds` (60 if
   * absent). After the first response, also waits for a server that is unavailable.
   */
  async wait(operationId: string, options?: WaitOptions): Promise<Operation> {
    return finalOperation(this.#http, operationPath(operationId), options);
  }

  /**
   * Yields the operation at once and after each change that is noticed, until it is final. A broken stream is opened
   * again. After the first response, throws only when the server is unavailable for longer than the timeout.
   */
  watch(operationId: string, options?: RequestOptions): AsyncGenerator<Operation, void, undefined> {
    return operations(this.#http, operationPath(operationId), options);
  }

  async #start(path: string, json: object, options?: StartOptions): Promise<OperationReference> {
    const idempotencyKey = options?.idempotencyKey ?? randomKey();
    const { body } = await this.#http.json({ method: "POST", path, json, idempotencyKey, options });
    return shaped<OperationReference>(body, "operationId");
  }
}

function poolPath(senderPoolId: string): string {
  return `${ROOT}/${segment(senderPoolId)}`;
}

function operationPath(operationId: string): string {
  return `${ROOT}/Operations/${segment(operationId)}`;
}

function references(senders: readonly (SenderRef | string)[]): readonly SenderRef[] {
  return senders.map((one) => (typeof one === "string" ? { senderId: one } : one));
}
