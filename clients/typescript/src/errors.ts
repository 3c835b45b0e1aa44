/** The errors of this package: a class for each status of the API, all of them {@link SignalboxError}. */

import type { MessageOperation } from "./message-types.js";
import type { Operation } from "./types.js";

/** One problem of a request and its place; `field` and `context` are null for a problem without a place. */
export interface Problem {
  readonly code: number;
  readonly message: string;
  /** The place in the request: `senders[3].senderId`, a query parameter, a header. */
  readonly field: string | null;
  /** The same place as JSONPath: `$.senders[3].senderId`. */
  readonly context: string | null;
  /** URL of the page about this code, on the server that responded. */
  readonly infoUrl: string;
}

/** Base of all errors of this package. Arguments that no request can be made of throw TypeError instead. */
export class SignalboxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Neither an account SID with its auth token nor an API key with its secret was given. */
export class MissingCredentials extends SignalboxError {}

/** No complete response came within the retries and the timeout. The server may have carried out the request. */
export class ConnectionFailed extends SignalboxError {}

/** The response is not one of this API; the URL probably leads to another program. */
export class UnexpectedAnswer extends SignalboxError {}

/** The operation was not final in time. It continues on the server; `operation` is its last known state. */
export class OperationTimeout extends SignalboxError {
  readonly operation: Operation | MessageOperation;

  constructor(operation: Operation | MessageOperation, seconds: number) {
    super(`operation ${operation.id} is still ${operation.status} after ${seconds} s; it continues on the server`);
    this.operation = operation;
  }
}

/** The contents of an error of the server. */
export interface ErrorFields {
  /** The HTTP status. */
  readonly status: number;
  /** The number of an error in `/docs/errors`; null when the response came from another program, such as a proxy. */
  readonly code: number | null;
  readonly message: string;
  /** Every problem that was found, at most 100. */
  readonly problems: readonly Problem[];
  /** Finds the request in the server's log. */
  readonly requestId: string | null;
  /** Seconds to wait before a retry, at most 86,400 (a longer wait is read as a day); null when the response does not say. */
  readonly retryAfter: number | null;
}

/** The server responded with an error. */
export class ApiError extends SignalboxError implements ErrorFields {
  readonly status: number;
  readonly code: number | null;
  readonly problems: readonly Problem[];
  readonly requestId: string | null;
  readonly retryAfter: number | null;
  /** True when an earlier attempt of the call failed in a way that leaves open whether it was carried out. */
  inDoubt = false;

  constructor(fields: ErrorFields) {
    super(fields.message);
    this.status = fields.status;
    this.code = fields.code;
    this.problems = fields.problems;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
  }
}

/** 400: the request is not valid; `problems` has every problem. */
export class Invalid extends ApiError {}
/** 401: credentials are missing or wrong. */
export class Unauthenticated extends ApiError {}
/** 403: the credentials are valid, but do not permit this. */
export class Forbidden extends ApiError {}
/** 404: does not exist, or is another account's. */
export class NotFound extends ApiError {}
/** 405: the path does not support this method. */
export class MethodNotAllowed extends ApiError {}
/** 409: conflicts with the current state, for example a cancel of a final operation. */
export class Conflict extends ApiError {}
/** 412: the resource's state is not the one that `ifMatch` names. */
export class PreconditionFailed extends ApiError {}
/** 413: the body is larger than 10 MiB. */
export class TooLarge extends ApiError {}
/** 415: the body has a media type that the path does not read. */
export class UnsupportedType extends ApiError {}
/** 422: the idempotency key was used for another request. */
export class IdempotencyMismatch extends ApiError {}
/** 429: the rate limit is used up, after every retry as well. */
export class TooMany extends ApiError {}
/** 500: a bug of the server; `requestId` finds it in the server's log. */
export class Bug extends ApiError {}
/** 502, 503, 504: the server is unavailable, after every retry as well. */
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

/** The most seconds that a `Retry-After` may ask for: timers overflow after 24 days, and fire at once. */
const DAY = 86_400;

/** Whether a retry of the request may succeed. */
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

/** The error for an unsuccessful response. Its body may be anything, since proxies respond as well. */
export function apiError(status: number, headers: Headers, text: string): ApiError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  const unknown = { code: null, message: `the response was ${status}, without the error body of this API`, errors: [] };
  const fields = isErrorBody(body) ? body : unknown;
  return new (BY_STATUS.get(status) ?? ApiError)({
    status,
    code: fields.code,
    message: fields.message,
    problems: fields.errors.filter((one: unknown) => typeof one === "object" && one !== null),
    requestId: headers.get("x-request-id"),
    retryAfter: secondsUntil(headers.get("retry-after")),
  });
}

/** `Retry-After` in seconds, at most a day. The server sends a number; a proxy may send a date, which starts with its day. */
function secondsUntil(text: string | null): number | null {
  if (text === null) return null;
  const date = /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
  const seconds = /^\d+$/.test(text) ? Number(text) : (date - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.min(Math.max(0, seconds), DAY);
}
