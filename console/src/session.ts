/**
 * The session: credentials are only in this tab's sessionStorage, which ends with the tab. A new tab asks the console's
 * other tabs
 * for their credentials. Signing out in one tab signs out every tab with the same SID.
 */
import { useSyncExternalStore } from "./store.ts";
import { CONSOLE, LINK, ROOT } from "./route.ts";

export interface Credentials {
  sid: string;
  secret: string;
}

type Message = { kind: "ask" } | { kind: "here"; credentials: Credentials } | { kind: "left"; sid: string };

const KEY = "signalbox";
const SID = /^(AC|SK)[0-9a-fA-F]{32}$/;
// Milliseconds that a new tab waits for another tab before it shows the form; later credentials are still accepted.
const PATIENCE = 80;

// A sign-in link wins over an older session of this tab.
let credentials = LINK ? null : stored();
let asked = credentials !== null;
let refused = "";
const listeners = new Set<() => void>();
const tabs = new BroadcastChannel(`signalbox ${CONSOLE}`);

tabs.onmessage = ({ data }: MessageEvent<Message>) => {
  if (data.kind === "ask" && credentials) tell({ kind: "here", credentials });
  if (data.kind === "here" && !credentials) keep(data.credentials);
  if (data.kind === "left" && credentials?.sid === data.sid) keep(null);
};

if (LINK) void exchange(LINK);
else if (!credentials) {
  tell({ kind: "ask" });
  setTimeout(() => {
    asked = true;
    changed();
  }, PATIENCE);
}

export function isSid(text: string): boolean {
  return SID.test(text);
}

/** The current credentials; null when signed out. */
export function current(): Credentials | null {
  return credentials;
}

export function signIn(given: Credentials): void {
  refused = "";
  keep(given);
}

/** Ends the session in every tab that uses these credentials; the form shows `why`. */
export function signOut(why = ""): void {
  if (credentials) tell({ kind: "left", sid: credentials.sid });
  refused = why;
  keep(null);
}

/** The state for the shell: credentials, whether other tabs were asked already, and why the last session ended. */
export function useSession(): { credentials: Credentials | null; asked: boolean; refused: string } {
  useSyncExternalStore(listeners, () => `${credentials?.sid} ${asked} ${refused}`);
  return { credentials, asked, refused };
}

/** Signs in with a link of `signalbox dev`; the form shows why a link does not work. */
async function exchange(link: string): Promise<void> {
  try {
    const response = await fetch(new URL("console/sign-in", ROOT), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ link }),
      credentials: "omit",
      cache: "no-store",
    });
    const body = (await response.json()) as { accountSid: string; authToken: string; message?: string };
    if (response.ok) return signIn({ sid: body.accountSid, secret: body.authToken });
    refused = body.message ? `${body.message[0]?.toUpperCase()}${body.message.slice(1)}.` : "This sign-in link does not work.";
  } catch {
    refused = "The server cannot be reached.";
  }
  keep(null);
}

function keep(given: Credentials | null): void {
  credentials = given;
  asked = true;
  if (given) sessionStorage.setItem(KEY, JSON.stringify(given));
  else sessionStorage.removeItem(KEY);
  changed();
}

function stored(): Credentials | null {
  const text = sessionStorage.getItem(KEY);
  return text ? (JSON.parse(text) as Credentials) : null;
}

function tell(message: Message): void {
  tabs.postMessage(message);
}

function changed(): void {
  for (const listener of listeners) listener();
}
