/** What of a request in the log can be copied and sent again, and why not. */
import { METHODS, type Call } from "./api.ts";
import type { InspectedRequest, KeptBody } from "./wire.ts";

/** The headers that the API reads, apart from the credentials and `Idempotency-Key`. */
const HEADERS = ["accept", "content-encoding", "if-match", "if-none-match", "last-event-id", "prefer"];
const REMOVED = "[removed]";

export interface Again {
  /** The request without its credentials and its Idempotency-Key; null when it is not known whole. */
  call: Call | null;
  /** Why it is neither copied nor sent, or not sent; empty when it can be. */
  why: string;
  /** Whether it had an Idempotency-Key. */
  keyed: boolean;
  /** Whether a secret was in its path or body. */
  removed: boolean;
}

export function againOf({ method, request }: InspectedRequest): Again {
  const nothing = (why: string): Again => ({ call: null, why, keyed: false, removed: false });
  const known = METHODS.find((one) => one === method);
  if (!request) return nothing("");
  if (!known) return nothing("It is neither copied nor sent again: the API has no such method.");
  const header = (name: string) => request.headers.find((one) => one.name.toLowerCase() === name)?.value;
  const { body, target } = request;
  if (!body && isSent(header)) return nothing("It is neither copied nor sent again: the server did not read its body.");
  if (body && !body.complete) return nothing("It is neither copied nor sent again: its body was not kept whole.");
  if (body && (known === "GET" || known === "HEAD")) {
    return nothing(`It is neither copied nor sent again: a browser sends no body with ${known}.`);
  }
  const headers = Object.fromEntries(HEADERS.flatMap((name) => wanted(name, header(name))));
  const media = header("content-type");
  const call: Call = {
    method: known,
    path: target,
    headers,
    ...(body ? { body: contentOf(body), media: media ?? "application/json" } : {}),
  };
  const removed = body?.removed === true || target.includes(REMOVED);
  const why = removed
    ? "It is not sent again: the server removed a secret from it, which the console does not know."
    : header("accept")?.includes("text/event-stream")
      ? "It is not sent again: it asks for an event stream."
      : "";
  return { call, why, keyed: header("idempotency-key") !== undefined, removed };
}

/** Whether the client sent a body. */
export function isSent(header: (name: string) => string | undefined): boolean {
  return Number(header("content-length") ?? 0) > 0 || header("transfer-encoding") !== undefined;
}

function wanted(name: string, value: string | undefined): [string, string][] {
  return value === undefined || (name === "accept" && value === "*/*") ? [] : [[name, value]];
}

function contentOf({ text, binary }: KeptBody): string | Uint8Array {
  return text ?? Uint8Array.from(atob(binary ?? ""), (letter) => letter.charCodeAt(0));
}
