/**
 * Whether the server can be reached, and how old the data on the screen is. While the server is away, one small request
 * asks for it again and again, with growing waits; whoever waits for the server is told when it is back.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { ROOT } from "./route.ts";

// Milliseconds. Without a response for QUIET, the server is asked whether it is there.
const QUIET = 15_000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const PATIENCE = 5000;
// Data that is older is called old; it is read again every few seconds.
const OLD = 30_000;
const GRACE = 5000;

/** What the strip shows: `next` is the time of the next attempt, `at` that of the oldest data, null when none is old. */
export interface Connection {
  away: boolean;
  next: number;
  at: number | null;
}

let heardAt = Date.now();
let away = false;
let failures = 0;
let next = 0;
let probing = false;
// When the page was shown last: what is old by then is read again at once, and is not called old before GRACE has passed.
let visibleAt = Date.now();
document.addEventListener("visibilitychange", () => (visibleAt = Date.now()));
let timer: ReturnType<typeof setTimeout> | undefined;
const waiting = new Set<() => void>();
const sources = new Set<{ current: number | undefined }>();

/** The server has responded, with whatever status. */
export function heard(): void {
  heardAt = Date.now();
  if (!away) return;
  away = false;
  failures = 0;
  clearTimeout(timer);
  timer = undefined;
  again();
}

/** A request got no response. */
export function lost(): void {
  away = true;
  if (timer === undefined) later();
}

/** Everything that failed or is old is read again now. */
export function again(): void {
  for (const act of [...waiting]) act();
}

/** Calls `act` when the server is back, or the user asks for another attempt. */
export function useReturn(act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const call = () => latest.current();
    waiting.add(call);
    return () => void waiting.delete(call);
  }, []);
}

/** Tells the strip the time of data on the screen; undefined while there is none. */
export function useShown(at: number | undefined): void {
  const source = useRef(at);
  source.current = at;
  useEffect(() => {
    sources.add(source);
    return () => void sources.delete(source);
  }, []);
}

/** The state for the strip, looked at each second while it is shown. Keeps asking for the server. */
export function useConnection(): Connection {
  const [state, setState] = useState<Connection>({ away, next, at: null });
  useEffect(() => {
    const look = () => {
      if (document.hidden) return;
      const now = Date.now();
      if (!away && now - heardAt > QUIET && timer === undefined) void probe();
      const times = [...sources].map((one) => one.current).filter((one) => one !== undefined);
      const oldest = times.length ? Math.min(...times) : null;
      const old = oldest !== null && now - oldest > OLD && now - visibleAt > GRACE;
      const at = old || away ? oldest : null;
      setState((before) => (before.away === away && before.next === next && before.at === at ? before : { away, next, at }));
    };
    const every = setInterval(look, 1000);
    return () => clearInterval(every);
  }, []);
  return state;
}

/** Asks for the server at once, and reads everything again when it is there. */
export async function tryNow(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  if (away) await probe();
  else again();
}

function later(): void {
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures) * (0.75 + Math.random() / 2);
  failures += 1;
  next = Date.now() + wait;
  timer = setTimeout(() => {
    timer = undefined;
    // A hidden page asks for nothing: it looks again when it is visible.
    if (document.hidden) document.addEventListener("visibilitychange", () => void probe(), { once: true });
    else void probe();
  }, wait);
}

async function probe(): Promise<void> {
  if (probing) return;
  probing = true;
  try {
    await fetch(new URL("healthz", ROOT), { signal: AbortSignal.timeout(PATIENCE), credentials: "omit", cache: "no-store" });
    heard();
  } catch {
    lost();
  } finally {
    probing = false;
  }
}
