/** Requests of the HTTP API. The console reaches the server only through this file. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { heard, lost, useReturn, useShown } from "./connection.ts";
import { ROOT } from "./route.ts";
import { current, signOut, type Credentials } from "./session.ts";

/** The methods of the API. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

/** One request: enough to send it, and to copy it as a command or as code. */
export interface Call {
  method?: (typeof METHODS)[number];
  /** Below the URL of the server; it may have a query of its own. */
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  body?: unknown;
  /** The media type of a body that is text or bytes already. */
  media?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface Problem {
  message: string;
  context: string | null;
}

/** A failed request: `status` is that of the error, 0 when there was no response. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: number | null = null,
    readonly problems: readonly Problem[] = [],
    readonly requestId: string | null = null,
    readonly retryAfter = 0,
  ) {
    super(message);
  }

  /** Whether a retry may succeed. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The ids of the requests that this tab sent, so that the request log can leave them out. */
export const own = new Set<string>(JSON.parse(sessionStorage.getItem("signalbox requests") ?? "[]") as string[]);
const MOST_OWN = 1000;
addEventListener("pagehide", () => sessionStorage.setItem("signalbox requests", JSON.stringify([...own])));

const SECONDS = 30;
// The server holds a response back for 60 seconds at most: `wait` of the inbox.
const MOST_SECONDS = 90;
// Milliseconds before the first retry, and the longest wait.
const AGAIN = 4000;
const LONGEST_WAIT = 60_000;

/** Milliseconds to wait after this many failures in a row: longer each time, and as long as the server asks for. */
export function waitAfter(failures: number, failure: Failure): number {
  return Math.max(Math.min(LONGEST_WAIT, AGAIN * 2 ** (failures - 1)), failure.retryAfter * 1000);
}

/** The response of the API. Throws Failure for a status other than 2xx, and when there is no response. */
export async function send(call: Call, signal?: AbortSignal, as: Credentials | null = current()): Promise<Response> {
  const limit = AbortSignal.timeout(SECONDS * 1000);
  const response = await fetchAs(call, signal ? AbortSignal.any([signal, limit]) : limit, as);
  if (response.ok) return response;
  endSession(response, as);
  throw await failureOf(response);
}

function endSession(response: Response, as: Credentials | null): void {
  if (response.status !== 401 || !as || as !== current()) return;
  signOut("The server no longer accepts these credentials: they were revoked or changed, or the account is suspended.");
}

export interface Repeated {
  status: number;
  requestId: string;
  text: string;
}

/**
 * Sends a request of a client again and reads its response, whatever the status. The list of requests shows it like one
 * of a client. Throws Failure when there is no whole response.
 */
export async function repeat(call: Call): Promise<Repeated> {
  const as = current();
  const response = await fetchAs(call, AbortSignal.timeout(MOST_SECONDS * 1000), as, MOST_SECONDS);
  endSession(response, as);
  const requestId = response.headers.get("x-request-id") ?? "";
  own.delete(requestId);
  try {
    return { status: response.status, requestId, text: await response.text() };
  } catch {
    throw new Failure(0, "The response of the server was cut off.");
  }
}

/** The JSON of the response. Throws Failure as `send` does, and for a body that is cut off or not JSON. */
export async function ask<T>(call: Call, signal?: AbortSignal): Promise<T> {
  const response = await send(call, signal);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, "The response of the server was cut off or is no JSON.");
  }
}

/** One request; `seconds` are those of the signal's timeout. Throws Failure when there is no response. */
export async function fetchAs(
  call: Call,
  signal: AbortSignal,
  as: Credentials | null,
  seconds = SECONDS,
): Promise<Response> {
  const headers = new Headers(call.headers);
  if (as) headers.set("authorization", `Basic ${base64(`${as.sid}:${as.secret}`)}`);
  if (call.body !== undefined) headers.set("content-type", call.media ?? "application/json");
  try {
    const response = await fetch(urlOf(call), {
      method: call.method ?? "GET",
      headers,
      body: bodyOf(call),
      signal,
      cache: "no-store",
      // A 401 asks for Basic credentials. With `omit` the browser opens no dialog of its own (Fetch,
      // HTTP-network-or-cache
      // fetch, step 14), and stores no credentials.
      credentials: "omit",
    });
    heard();
    own.add(response.headers.get("x-request-id") ?? "");
    if (own.size > MOST_OWN) own.delete(own.keys().next().value!);
    return response;
  } catch (error) {
    if (signal.aborted && (signal.reason as Error | undefined)?.name !== "TimeoutError") throw error;
    const late = (signal.reason as Error | undefined)?.name === "TimeoutError";
    lost();
    const silence = `The server did not respond within ${seconds} seconds.`;
    throw new Failure(0, late ? silence : "The server cannot be reached.");
  }
}

export async function failureOf(response: Response): Promise<Failure> {
  const body = (await response.json().catch(() => null)) as {
    code?: number;
    message?: string;
    errors?: Problem[];
  } | null;
  return new Failure(
    response.status,
    body?.message ?? `The response was ${response.status} without a reason.`,
    body?.code ?? null,
    body?.errors ?? [],
    response.headers.get("x-request-id"),
    Number(response.headers.get("retry-after") ?? 0),
  );
}

export interface Answered<T> {
  answer: T | undefined;
  failure: Failure | undefined;
  again: () => void;
}

/**
 * The response to a GET, fetched again every `every` milliseconds while the page is visible; the old one stays until
 * then. After failures it is fetched again with growing waits, and at once when the server is back.
 */
export function useAnswer<T>(call: Call | null, every = 0): Answered<T> {
  const key = call ? JSON.stringify(call) : "";
  const [state, setState] = useState<{ key: string; answer?: T; at?: number; failure?: Failure }>({ key });
  const [round, setRound] = useState(0);
  const latest = useRef(state);
  latest.current = state;
  useEffect(() => {
    if (!call) return;
    const leaving = new AbortController();
    let timer = 0;
    let failures = 0;
    const later = (milliseconds: number) => {
      timer = window.setTimeout(() => {
        if (!document.hidden) return void once();
        const seen = () => void once();
        document.addEventListener("visibilitychange", seen, { once: true, signal: leaving.signal });
      }, milliseconds);
    };
    const once = async () => {
      try {
        const answer = await ask<T>(call, leaving.signal);
        failures = 0;
        setState({ key, answer, at: Date.now() });
        if (every) later(every);
      } catch (error) {
        if (!(error instanceof Failure)) return;
        failures += 1;
        setState(latest.current.key === key ? { ...latest.current, failure: error } : { key, failure: error });
        if (error.passing) later(waitAfter(failures, error));
      }
    };
    void once();
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [key, round, every]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  const mine: { answer?: T; at?: number; failure?: Failure } = state.key === key ? state : {};
  useShown(every ? mine.at : undefined);
  useReturn(() => (mine.failure || every) && again());
  return { answer: mine.answer, failure: mine.failure, again };
}

/** The absolute URL of a request. */
export function urlOf(call: Call): string {
  // The dot keeps a path such as `//host` below the URL of the server.
  const url = new URL(`.${call.path}`, ROOT);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** The body as it is sent; null without one. */
export function bodyOf(call: Call): string | Uint8Array<ArrayBuffer> | null {
  if (call.body === undefined) return null;
  if (call.body instanceof Uint8Array) return call.body as Uint8Array<ArrayBuffer>;
  return call.media && typeof call.body === "string" ? call.body : JSON.stringify(call.body);
}

/** A value for `Idempotency-Key`: a POST that is sent twice with it has its effect once. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
