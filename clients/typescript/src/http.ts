/** Requests: credentials, timeouts, retries. */

import {
  ApiError,
  Conflict,
  ConnectionFailed,
  SignalboxError,
  TooMany,
  UnexpectedAnswer,
  apiError,
  passing,
} from "./errors.js";
import type { RequestOptions } from "./types.js";

/** Upper bounds, in seconds, of the pause before the first retry and of every pause. */
const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 8;
/** The longest time that timers accept, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Far above the largest response of the API: a body that never ends must not fill the memory. */
const MOST_BYTES = 64 * 2 ** 20;

/** A request of the API. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the server's URL; ids in it were checked by {@link segment}. */
  readonly path: string;
  readonly query?: object;
  /** A value that is sent as JSON. */
  readonly json?: unknown;
  /** Sent unchanged; the headers must contain `Content-Type`. */
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Makes retries of a POST safe. */
  readonly idempotencyKey?: string;
  /** Whether a 409 may be about the resource, and not about the idempotency key. */
  readonly conflicts?: boolean;
  /** Seconds that the server waits on purpose, added to the timeout. */
  readonly extraSeconds?: number;
  /** Whether the server redirects to the result. */
  readonly redirected?: boolean;
  readonly options?: RequestOptions | undefined;
}

export interface HttpSettings {
  /** The server's URL, without a slash at its end. */
  readonly url: string;
  readonly user: string;
  readonly secret: string;
  readonly timeoutInSeconds: number;
  readonly maxRetries: number;
  readonly fetch: typeof fetch;
}

export interface JsonResponse {
  readonly body: unknown;
  /** The JSON as it came. */
  readonly text: string;
  readonly headers: Headers;
}

export class Http {
  // A private field of the engine, so that no output of a client shows the secret.
  readonly #settings: HttpSettings;
  readonly #authorization: string;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.#authorization = `Basic ${base64(`${settings.user}:${settings.secret}`)}`;
  }

  get timeoutInSeconds(): number {
    return this.#settings.timeoutInSeconds;
  }

  /** The JSON of the response, after retries if needed, within the timeout. */
  async json(call: Call): Promise<JsonResponse> {
    const retries = call.options?.maxRetries ?? this.#settings.maxRetries;
    const seconds = (call.options?.timeoutInSeconds ?? this.#settings.timeoutInSeconds) + (call.extraSeconds ?? 0);
    if (!(seconds > 0)) throw new TypeError("timeoutInSeconds must be greater than 0");
    const request = this.#request(call);
    const deadline = new Deadline(seconds, call.options?.abortSignal);
    let inDoubt = false;
    try {
      for (let tries = 0; ; tries++) {
        try {
          return await this.#once(call, request, deadline);
        } catch (error) {
          if (inDoubt && error instanceof ApiError) error.inDoubt = true;
          const pause = Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries) + askedFor(error);
          if (tries >= retries || pause >= deadline.left || !mayHelp(error, call, inDoubt)) throw error;
          inDoubt ||= !(error instanceof ApiError) || error.status >= 500;
          await sleep(pause, call.options?.abortSignal);
        }
      }
    } finally {
      deadline.end();
    }
  }

  /** The text of the response in pieces as they arrive, until a silence is too long; without retries. */
  async *stream(call: Call, longestSilence: number): AsyncGenerator<string, void, undefined> {
    const request = this.#request(call);
    const deadline = new Deadline(longestSilence, call.options?.abortSignal);
    try {
      const response = await this.#fetch(request, deadline.signal);
      if (!response.ok || !response.body) throw apiError(response.status, response.headers, await textOf(response));
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        deadline.restart(longestSilence);
        const { done, value } = await reader.read();
        if (done) return;
        // The time that the caller needs for a piece does not count.
        deadline.stop();
        yield decoder.decode(value, { stream: true });
      }
    } catch (error) {
      throw deadline.explain(error, request);
    } finally {
      deadline.end();
    }
  }

  async #once(call: Call, request: Prepared, deadline: Deadline): Promise<JsonResponse> {
    try {
      const response = await this.#fetch(request, deadline.signal);
      const text = await textOf(response);
      if (!response.ok) throw apiError(response.status, response.headers, text);
      return { body: parsed(text, call), text, headers: response.headers };
    } catch (error) {
      throw deadline.explain(error, request);
    }
  }

  /** The request of a call. TypeError when none can be made of its arguments: a retry would not help. */
  #request(call: Call): Prepared {
    try {
      return this.#made(call);
    } catch (cause) {
      throw new TypeError(`${call.method} ${call.path}: no request can be made of the arguments: ${reason(cause)}`, {
        cause,
      });
    }
  }

  #made(call: Call): Prepared {
    const headers = new Headers({ Authorization: this.#authorization, Accept: "application/json" });
    if (call.json !== undefined) headers.set("Content-Type", "application/json");
    if (call.idempotencyKey !== undefined) headers.set("Idempotency-Key", quoted(call.idempotencyKey));
    for (const [name, value] of Object.entries(call.headers ?? {})) if (value !== undefined) headers.set(name, value);
    const body = call.json === undefined ? call.body : JSON.stringify(call.json);
    return {
      url: `${this.#settings.url}${call.path}${queryString(call.query)}`,
      method: call.method,
      headers,
      redirect: call.redirected ? "follow" : "error",
      ...(body === undefined ? {} : { body: body as string }),
    };
  }

  #fetch({ url, redirect, ...request }: Prepared, signal: AbortSignal): Promise<Response> {
    // Called as a plain function: browsers throw when fetch is called as a method.
    const { fetch } = this.#settings;
    return fetch(url, {
      ...request,
      signal,
      // Where it is followed, fetch itself sends no credentials to another origin.
      redirect,
      // For browsers: no cookies, no password prompt, no cached responses.
      credentials: "omit",
      cache: "no-store",
    });
  }
}

/** What `fetch` needs for each attempt of a call. */
interface Prepared {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: "error" | "follow";
  readonly body?: string;
}

/** A timeout and the caller's own signal, combined into one signal. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #abortSignal: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #seconds = 0;
  #end = 0;
  #expired = false;

  constructor(seconds: number, abortSignal: AbortSignal | undefined) {
    this.#abortSignal = abortSignal;
    if (abortSignal?.aborted) this.#abort();
    abortSignal?.addEventListener("abort", this.#abort);
    this.restart(seconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Seconds until the timeout. */
  get left(): number {
    return (this.#end - Date.now()) / 1000;
  }

  readonly #abort = (): void => this.#controller.abort();

  readonly #expire = (): void => {
    this.#expired = true;
    this.#abort();
  };

  restart(seconds: number): void {
    this.stop();
    this.#seconds = seconds;
    this.#end = Date.now() + seconds * 1000;
    this.#timer = setTimeout(this.#expire, Math.min(seconds * 1000, LONGEST_TIMER));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Releases the timer, the listener, and the connection if a response was not read to its end. */
  end(): void {
    this.stop();
    this.#abortSignal?.removeEventListener("abort", this.#abort);
    this.#abort();
  }

  /** Turns a caught error into the one to throw: for the timeout, the signal, or the connection. */
  explain(error: unknown, { method, url }: Prepared): unknown {
    if (error instanceof SignalboxError) return error;
    if (this.#abortSignal?.aborted) return this.#abortSignal.reason;
    const what = this.#expired
      ? `nothing came within ${this.#seconds} s; the option timeoutInSeconds allows more`
      : `${reason(error)}; ${cure(error)}`;
    // Without the query, which may have personal data.
    return new ConnectionFailed(`${method} ${url.split("?")[0]}: no response: ${what}`, { cause: error });
  }
}

/**
 * Whether a retry may succeed and is safe. After a 429 every request is retried: the rate limit comes before all work
 * (contract section 8). After other failures a POST is retried only with an idempotency key.
 * A key whose first request is still being processed is a {@link Conflict}. Where that may also be about the resource,
 * it is taken for one of the key if an attempt has got no response.
 */
function mayHelp(error: unknown, call: Call, inDoubt: boolean): boolean {
  if (error instanceof TooMany) return true;
  const keyed = call.idempotencyKey !== undefined;
  if (error instanceof Conflict) return keyed && (inDoubt || !call.conflicts);
  return passing(error) && (keyed || call.method !== "POST");
}

function askedFor(error: unknown): number {
  return (error instanceof ApiError ? error.retryAfter : null) ?? 0;
}

/** An id as one segment of a path. Throws TypeError for an id that would lead to another path. */
export function segment(id: string): string {
  if (/^\.*$/.test(id)) throw new TypeError("an id must not be empty");
  try {
    return encodeURIComponent(id);
  } catch (cause) {
    throw new TypeError("an id contains half of a surrogate pair", { cause });
  }
}

/** A unique key. `crypto.randomUUID` is missing in pages that were loaded without TLS. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Resolves after some seconds; rejects with the signal's reason if it is aborted before. */
export function sleep(seconds: number, abortSignal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(abortSignal?.reason);
    };
    const timer = setTimeout(() => {
      abortSignal?.removeEventListener("abort", abort);
      resolve();
    }, Math.min(seconds * 1000, LONGEST_TIMER));
    if (abortSignal?.aborted) abort();
    else abortSignal?.addEventListener("abort", abort, { once: true });
  });
}

/** A structured string (RFC 9651), which permits spaces and quotes in a key. */
function quoted(key: string): string {
  return `"${key.replace(/["\\]/g, "\\$&")}"`;
}

function queryString(query: object = {}): string {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    made.set(name, value instanceof Date ? value.toISOString() : String(value));
  }
  const text = made.toString();
  return text && `?${text}`;
}

/** UTF-8 in base64; `btoa` alone throws for a character outside Latin-1. */
function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/** The text of a response. {@link UnexpectedAnswer} when it is too large. */
async function textOf(response: Response): Promise<string> {
  if (!response.body) return response.text();
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > MOST_BYTES) throw new UnexpectedAnswer(`the response is larger than ${MOST_BYTES / 2 ** 20} MiB`);
    text += decoder.decode(value, { stream: true });
  }
}

function parsed(text: string, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnexpectedAnswer(`${call.method} ${call.path}: the response is not JSON; is the URL right?`, { cause });
  }
}

/** What `fetch` throws: its own error, with the system's as the cause. Browsers give no cause. */
interface NetworkError {
  readonly message?: string;
  readonly cause?: { readonly message?: string; readonly code?: string };
}

function reason(error: unknown): string {
  const { message, cause } = error as NetworkError;
  // Where a host has several addresses, the error of all of them has a code and no message.
  return cause?.message || cause?.code || message || String(error);
}

/** What the reader can do about a connection that failed. */
function cure(error: unknown): string {
  const code = (error as NetworkError).cause?.code ?? "";
  if (code === "ECONNREFUSED") return "nothing listens there: start the server, or correct the URL (SIGNALBOX_URL)";
  if (code === "ENOTFOUND") return "there is no such host: correct the URL (SIGNALBOX_URL)";
  if (/^(ERR_SSL|EPROTO)/.test(code)) return "the URL of a server without TLS begins with http:";
  if ("document" in globalThis) return "is the server running, and does its setting cors_origins name this page?";
  return "is the server running, and is the URL right (SIGNALBOX_URL)?";
}
