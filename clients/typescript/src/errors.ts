/** Everything that can go wrong: one class for each kind of refusal, all of them {@link SignalboxError}. */

import type { Operation } from "./types.js";

/** One thing that is wrong with a request, and its place: `field` and `context` are null where it has none. */
export interface Problem {
  readonly code: number;
  readonly message: string;
  /** The place in words of the request: `senders[3].senderId`, a query parameter, a header. */
  readonly field: string | null;
  /** The same place as JSONPath: `$.senders[3].senderId`. */
  readonly context: string | null;
  /** The page about this code on the server that answered. */
  readonly infoUrl: string;
}

/** Everything that this package throws, except TypeError for arguments that no request can be made of. */
export class SignalboxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Neither an account SID with its auth token nor an API key with its secret was given. */
export class MissingCredentials extends SignalboxError {}

/** No whole answer came, and tries or time are used up. Whether the request was carried out is unknown. */
export class ConnectionFailed extends SignalboxError {}

/** An answer came that this API does not give; most likely the base URL leads to something else. */
export class UnexpectedAnswer extends SignalboxError {}

/** The operation was not final in time; it goes on. `operation` is how it was last seen. */
export class OperationTimeout extends SignalboxError {
  readonly operation: Operation;

  constructor(operation: Operation, seconds: number) {
    super(`operation ${operation.id} is still ${operation.status} after ${seconds} s; it goes on`);
    this.operation = operation;
  }
}

/** What a refusal says. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  /** A heading of `/docs/errors`; null when something else than Signalbox answered, such as a proxy. */
  readonly code: number | null;
  readonly message: string;
  /** Every problem that was found, at most 100. */
  readonly problems: readonly Problem[];
  /** Finds the request in the server's log. */
  readonly requestId: string | null;
  /** Seconds after which to try again, where the answer said so. */
  readonly retryAfter: number | null;
}

/** The server answered, and refused. */
export class ApiError extends SignalboxError implements Refusal {
  readonly status: number;
  readonly code: number | null;
  readonly problems: readonly Problem[];
  readonly requestId: string | null;
  readonly retryAfter: number | null;
  /** An earlier try of the same call was left without a proper answer, so it may have been carried out. */
  inDoubt = false;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.status = refusal.status;
    this.code = refusal.code;
    this.problems = refusal.problems;
    this.requestId = refusal.requestId;
    this.retryAfter = refusal.retryAfter;
  }
}

/** 400: the input is wrong; `problems` names every place. */
export class Invalid extends ApiError {}
/** 401: credentials are missing or wrong. */
export class Unauthenticated extends ApiError {}
/** 403: valid credentials that may not do this. */
export class Forbidden extends ApiError {}
/** 404: missing, or another account's. */
export class NotFound extends ApiError {}
/** 405: the path does not answer this method. */
export class MethodNotAllowed extends ApiError {}
/** 409: collides with the present state, such as the cancel of an operation that is final. */
export class Conflict extends ApiError {}
/** 412: the resource is not in the state that `ifMatch` names. */
export class PreconditionFailed extends ApiError {}
/** 413: the body is larger than 10 MiB. */
export class TooLarge extends ApiError {}
/** 415: the body is of a type that the path does not read. */
export class UnsupportedType extends ApiError {}
/** 422: the idempotency key was used for another request. */
export class IdempotencyMismatch extends ApiError {}
/** 429: the rate limit is used up, and was again after every retry. */
export class TooMany extends ApiError {}
/** 500: the server's own fault; `requestId` finds it in the server's log. */
export class Bug extends ApiError {}
/** 502, 503, 504: not now; still so after every retry. */
export class Unavailable extends ApiError {}

const BY_STATUS: ReadonlyMap<number, typeof ApiError> = new Map([
  [400, Invalid],
  [401, Unauthenticated],
  [403, Forbidden],
  [404, NotFound],
  [405, MethodNotAllowed],
  [409, Conflict],
  [412, PreconditionFailed],
  [413, TooLarge],
  [415, UnsupportedType],
  [422, IdempotencyMismatch],
  [429, TooMany],
  [500, Bug],
  [502, Unavailable],
  [503, Unavailable],
  [504, Unavailable],
]);

/** Whether the same request may have a better answer a little later. */
export function passing(error: unknown): boolean {
  return error instanceof ConnectionFailed || error instanceof TooMany || error instanceof Unavailable;
}

interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly errors: readonly Problem[];
}

function isErrorBody(value: unknown): value is ErrorBody {
  const body = value as Partial<ErrorBody> | null;
  return typeof body?.code === "number" && typeof body.message === "string" && Array.isArray(body.errors);
}

/** The error of an answer that is no success; its body may be anything, since proxies answer as well. */
export function refusal(status: number, headers: Headers, text: string): ApiError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  const foreign = { code: null, message: `the answer was ${status}, without the error body of this API`, errors: [] };
  const told = isErrorBody(body) ? body : foreign;
  return new (BY_STATUS.get(status) ?? ApiError)({
    status,
    code: told.code,
    message: told.message,
    problems: told.errors,
    requestId: headers.get("x-request-id"),
    retryAfter: secondsUntil(headers.get("retry-after")),
  });
}

/** `Retry-After` in seconds; the server writes a number, a proxy in front of it may write a date. */
function secondsUntil(text: string | null): number | null {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}
