/** Messages, and the operations that send them. */

import type { ExplainedDecision, MessageDecision, MessageExplanation } from "./decision-types.js";
import { type Http, type JsonResponse, randomKey, segment } from "./http.js";
import { Listing } from "./listing.js";
import type {
  FetchedMessage,
  ListMessageOperations,
  ListMessages,
  Message,
  MessageAttempt,
  MessageOperation,
  MessageOperationPage,
  MessagePage,
  OperationError,
  OperationErrorPage,
  Receipt,
  ReceiptPage,
  SendMessages,
} from "./message-types.js";
import { dated, pageOf, resource, shaped } from "./shapes.js";
import type {
  FetchOperationOptions,
  OperationReference,
  Paging,
  RequestOptions,
  ResourceReference,
  StartOptions,
  WaitOptions,
} from "./types.js";
import { finalOperation, operationAt } from "./waiting.js";

const ROOT = "/v1/Messages";

export class Messages {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Starts the operation that sends a content to up to 10,000 recipients; texts are Liquid. */
  async send(request: SendMessages, options?: StartOptions): Promise<OperationReference> {
    const idempotencyKey = options?.idempotencyKey ?? randomKey();
    const { body } = await this.#http.json({ method: "POST", path: ROOT, json: request, idempotencyKey, options });
    return shaped<OperationReference>(body, "operationId");
  }

  /**
   * Which sender each of up to 100 recipients would get, and why; nothing is sent. `send` with the same request chooses
   * the same senders, as long as the senders, the opt-outs and the messages to these people stay as they are.
   */
  async explain(request: SendMessages, options?: RequestOptions): Promise<MessageExplanation> {
    const path = `/signalbox${ROOT}/Explain`;
    const { body } = await this.#http.json({ method: "POST", path, json: request, options });
    const read = shaped<MessageExplanation>(body, "results", "eta");
    return { ...read, results: read.results.map(decision<ExplainedDecision>), eta: optionalDate(read.eta) };
  }

  /** The account's messages, newest first; `status: "INBOUND"` lists the replies. */
  list(request: ListMessages = {}, options?: RequestOptions): Listing<MessagePage, Message> {
    const { tags, ...rest } = request;
    const pairs = Object.entries(tags ?? {}).map(([key, value]) => `${key}:${value};`);
    const query = pairs.length ? { ...rest, tags: pairs.join("") } : rest;
    const fetch = async (pageToken?: string): Promise<MessagePage> => {
      const call = { method: "GET", path: ROOT, query: { ...query, pageToken }, options } as const;
      return pageOf(await this.#http.json(call), "messages", message<Message>);
    };
    return new Listing(fetch, (page) => page.messages, request.pageToken);
  }

  async fetch(messageId: string, options?: RequestOptions): Promise<FetchedMessage> {
    return fetched(await this.#http.json({ method: "GET", path: messagePath(messageId), options }));
  }

  /**
   * Why the message has its sender: the senders in their order, and those that were left out. {@link NotFound} for a
   * message whose time has not come, and for one that came in.
   */
  async decision(messageId: string, options?: RequestOptions): Promise<MessageDecision> {
    const path = `/signalbox${messagePath(messageId)}/Decision`;
    return decision((await this.#http.json({ method: "GET", path, options })).body);
  }

  /** The message of an attempt, by the attempt's id downstream: `SM` or `MM` and 32 hex digits. */
  async seek(sid: string, options?: RequestOptions): Promise<FetchedMessage> {
    const path = `${ROOT}/Seek/${segment(sid)}`;
    return fetched(await this.#http.json({ method: "GET", path, redirected: true, options }));
  }

  /** Every report that came for the message, oldest first, also those that changed nothing. */
  listReceipts(messageId: string, request: Paging = {}, options?: RequestOptions): Listing<ReceiptPage, Receipt> {
    const fetch = async (pageToken?: string): Promise<ReceiptPage> => {
      const path = `${messagePath(messageId)}/Receipts`;
      const response = await this.#http.json({ method: "GET", path, query: { ...request, pageToken }, options });
      return pageOf(response, "receipts", created<Receipt>);
    };
    return new Listing(fetch, (page) => page.receipts, request.pageToken);
  }

  /** Cancels a message that was not handed over; else {@link Conflict}. */
  async cancel(messageId: string, options?: RequestOptions): Promise<ResourceReference> {
    const { body } = await this.#http.json({ method: "POST", path: `/signalbox${messagePath(messageId)}/Cancel`, options });
    return shaped<ResourceReference>(body, "resourceId");
  }

  /** The operations that send messages, newest first. */
  listOperations(
    request: ListMessageOperations = {},
    options?: RequestOptions,
  ): Listing<MessageOperationPage, MessageOperation> {
    const fetch = async (pageToken?: string): Promise<MessageOperationPage> => {
      const path = `${ROOT}/Operations`;
      const response = await this.#http.json({ method: "GET", path, query: { ...request, pageToken }, options });
      return pageOf(response, "operations", dated<MessageOperation>);
    };
    return new Listing(fetch, (page) => page.operations, request.pageToken);
  }

  async fetchOperation(operationId: string, options?: FetchOperationOptions): Promise<MessageOperation> {
    return operationAt(this.#http, operationPath(operationId), options);
  }

  /** The messages of the operation that ended in an error, and why. */
  listErrors(
    operationId: string,
    request: Paging = {},
    options?: RequestOptions,
  ): Listing<OperationErrorPage, OperationError> {
    const fetch = async (pageToken?: string): Promise<OperationErrorPage> => {
      const path = `${operationPath(operationId)}/Errors`;
      const response = await this.#http.json({ method: "GET", path, query: { ...request, pageToken }, options });
      return pageOf(response, "errors", created<OperationError>);
    };
    return new Listing(fetch, (page) => page.errors, request.pageToken);
  }

  /**
   * The operation when everything was tried, which does not mean delivered. {@link OperationTimeout} when that takes
   * longer than `timeoutInSeconds` (60 if absent). After the first response, also waits for a server that is unavailable.
   */
  async wait(operationId: string, options?: WaitOptions): Promise<MessageOperation> {
    return finalOperation(this.#http, operationPath(operationId), options);
  }

  /** Cancels the operation: after this call no more of its messages is handed over. {@link Conflict} if none was left. */
  async cancelOperation(operationId: string, options?: RequestOptions): Promise<ResourceReference> {
    const path = `/signalbox${operationPath(operationId)}/Cancel`;
    const { body } = await this.#http.json({ method: "POST", path, options });
    return shaped<ResourceReference>(body, "resourceId");
  }

  /**
   * Starts the operation that sends again to those who were not reached: FAILED and UNDELIVERED messages. After an
   * earlier retry, only to those who were not reached by it either. {@link Conflict} while messages wait to be handed
   * over, and when nothing failed.
   */
  async retry(operationId: string, options?: StartOptions): Promise<OperationReference> {
    const path = `/signalbox${operationPath(operationId)}/Retry`;
    const idempotencyKey = options?.idempotencyKey ?? randomKey();
    const { body } = await this.#http.json({ method: "POST", path, idempotencyKey, conflicts: true, options });
    return shaped<OperationReference>(body, "operationId");
  }
}

function messagePath(messageId: string): string {
  return `${ROOT}/${segment(messageId)}`;
}

function operationPath(operationId: string): string {
  return `${ROOT}/Operations/${segment(operationId)}`;
}

function message<T extends Message>(value: unknown): T {
  const read = dated<T>(value);
  return { ...read, scheduledFor: optionalDate(read.scheduledFor), deletedAt: optionalDate(read.deletedAt) };
}

function fetched(response: JsonResponse): FetchedMessage {
  const read = shaped<FetchedMessage>(response.body, "attempts", "content");
  const attempts = read.attempts.map((one) => {
    return { ...dated<MessageAttempt>(one), attemptedAt: new Date(one.attemptedAt) };
  });
  return resource({ ...response, body: { ...message<FetchedMessage>(read), attempts } });
}

function created<T extends Receipt | OperationError>(value: unknown): T {
  const read = shaped<T>(value, "createdAt");
  return { ...read, createdAt: new Date(read.createdAt) };
}

function decision<T extends ExplainedDecision>(value: unknown): T {
  const read = shaped<T>(value, "candidates", "at");
  return { ...read, at: new Date(read.at) };
}

function optionalDate(value: Date | null): Date | null {
  return value === null ? null : new Date(value);
}
