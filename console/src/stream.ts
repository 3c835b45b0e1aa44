/** Event streams by fetch, because EventSource cannot send credentials. A broken stream is opened again. */
import { Failure, failureOf, fetchAs, type Call } from "./api.ts";
import { heard } from "./connection.ts";
import { current, signOut } from "./session.ts";

export type StreamState = "waiting" | "live" | "broken";

export interface Listener {
  event: (name: string, data: string) => void;
  /** `broken` until the stream is open again. */
  state?: (state: StreamState) => void;
  failure?: (failure: Failure) => void;
}

// Browsers open six connections to a server over HTTP/1.1 for all tabs together. One tab uses two of them for streams.
const SLOTS = 2;
// The server sends a comment every 15 seconds; a longer silence means that the connection is dead.
const SILENCE = 40_000;
const LONGEST_PAUSE = 10_000;

let free = SLOTS;
const waiting: (() => void)[] = [];

/**
 * Follows a stream until `leave` is aborted, or until the server ends it and `final` returns true; then a waiting
 * stream can start.
 * A hidden tab has no open streams.
 */
export async function follow(call: Call, listener: Listener, final: () => boolean, leave: AbortSignal): Promise<void> {
  let failures = 0;
  let lastId = "";
  const event: Tell = (name, data, id) => {
    failures = 0;
    lastId = id ?? lastId;
    listener.event(name, data);
  };
  while (!leave.aborted && !final()) {
    await visible(leave);
    const release = await slot(leave);
    let asked = 0;
    try {
      if (leave.aborted || final()) return;
      // The tab was hidden while the stream waited for a place.
      if (document.hidden) continue;
      const resumed = lastId ? { ...call, headers: { ...call.headers, "last-event-id": lastId } } : call;
      await once(resumed, event, listener, leave);
    } catch (error) {
      if (leave.aborted) return;
      if (error instanceof Failure && !error.passing) {
        if (error.status === 401) signOut("The server no longer accepts these credentials.");
        listener.failure?.(error);
        return;
      }
      if (error instanceof Failure && error.status) {
        listener.failure?.(error);
        asked = error.retryAfter * 1000;
      }
    } finally {
      release();
    }
    if (leave.aborted || final()) return;
    // A stream that is closed because its tab is hidden did not fail.
    if (document.hidden) continue;
    listener.state?.("broken");
    failures += 1;
    // The first retry is immediate: a restarting server ends its streams and is back at once.
    const wait = failures > 1 ? Math.min(LONGEST_PAUSE, 250 * 2 ** failures) * (0.75 + Math.random() / 2) : 0;
    if (wait || asked) await pause(Math.max(wait, asked), leave);
  }
}

/** `id` is undefined when the event has none; an empty id resets the last one. */
type Tell = (name: string, data: string, id: string | undefined) => void;

async function once(call: Call, event: Tell, listener: Listener, leave: AbortSignal): Promise<void> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE);
  const hide = () => document.hidden && silent.abort();
  document.addEventListener("visibilitychange", hide);
  try {
    const headers = { ...call.headers, accept: "text/event-stream" };
    const response = await fetchAs({ ...call, headers }, AbortSignal.any([leave, silent.signal]), current());
    if (!response.ok) throw await failureOf(response);
    listener.state?.("live");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const read = events(event);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      read(value);
    }
  } finally {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", hide);
  }
}

/** Parses pieces of a stream and reports each complete event (HTML Standard, section 9.2.6). */
export function events(tell: Tell): (piece: string) => void {
  let rest = "";
  let afterCr = false;
  let event: string[] = [];
  return (piece) => {
    if (!piece) return;
    // The LF of a CRLF that was split between two pieces.
    const text = rest + (afterCr && piece.startsWith("\n") ? piece.slice(1) : piece);
    afterCr = piece.endsWith("\r");
    const lines = text.split(/\r\n|[\r\n]/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line) event.push(line);
      else {
        tellOf(event, tell);
        event = [];
      }
    }
  };
}

function tellOf(lines: readonly string[], tell: Tell): void {
  const values = (name: string) =>
    lines
      .filter((line) => line === name || line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  const data = values("data");
  if (data.length) tell(values("event").at(-1) || "message", data.join("\n"), values("id").at(-1));
}

/** Waits for one of the tab's places for streams; returns a function that frees it. An aborted waiter takes none. */
async function slot(leave: AbortSignal): Promise<() => void> {
  while (free === 0 && !leave.aborted) {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      leave.addEventListener("abort", wakeAll, { once: true });
    });
  }
  if (leave.aborted) return () => undefined;
  free -= 1;
  return () => {
    free += 1;
    wakeAll();
  };
}

/** Wakes all waiters, a few dozen at most; each checks whether a place is free. */
function wakeAll(): void {
  for (const wake of waiting.splice(0)) wake();
}

function visible(leave: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => (over.abort(), resolve());
    document.addEventListener("visibilitychange", () => !document.hidden && end(), { signal: over.signal });
    leave.addEventListener("abort", end, { signal: over.signal });
  });
}

function pause(milliseconds: number, leave: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => (over.abort(), clearTimeout(timer), resolve());
    const timer = setTimeout(end, milliseconds);
    leave.addEventListener("abort", end, { signal: over.signal });
    addEventListener("online", end, { signal: over.signal });
  });
}
