/**
 * The current screen and its filters. Each screen is a path below /console. Filters and ids are in the fragment of the
 * URL, which
 * browsers do not send: the server's strict mode and the logs of proxies never see them.
 */
import { useSyncExternalStore } from "./store.ts";

// Not `new URL("..", import.meta.url)`, which the build would treat as the name of a file.
const SCRIPT = import.meta.url;

/** The URL of the API: derived from that of this script, so that every prefix of a proxy works. */
export const ROOT = new URL(import.meta.env.DEV ? "/" : "../", SCRIPT);
export const CONSOLE = `${ROOT.pathname}console`;

export const SCREENS = ["overview", "operations", "operation", "pools", "pool", "senders", "resolve", "requests"] as const;
export type Screen = (typeof SCREENS)[number];
export type Params = Readonly<Record<string, string>>;

export interface Route {
  screen: Screen;
  params: Params;
}

const listeners = new Set<() => void>();
/** The secret of a sign-in link, removed from the address before anything else sees it; empty without one. */
export const LINK = takeLink();
let route = read();

for (const event of ["popstate", "hashchange"] as const) addEventListener(event, changed);
addEventListener("click", follow);

/** The URL of a screen, without empty filters. */
export function href(screen: Screen, params: Params = {}): string {
  const given = Object.entries(params).filter(([, value]) => value !== "");
  const fragment = new URLSearchParams(given).toString();
  const path = screen === "overview" ? CONSOLE : `${CONSOLE}/${screen}`;
  return fragment ? `${path}#${fragment}` : path;
}

/** Shows a screen; `replace` adds no entry to the history, for filters that change while the user types. */
export function go(screen: Screen, params: Params = {}, replace = false): void {
  const address = href(screen, params);
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  const before = route.screen;
  changed();
  if (!replace && before !== route.screen) scrollTo(0, 0);
}

/** Changes some filters of the current screen. */
export function set(params: Params, replace = true): void {
  go(route.screen, { ...route.params, ...params }, replace);
}

export function useRoute(): Route {
  useSyncExternalStore(listeners, () => route);
  return route;
}

function takeLink(): string {
  const link = new URLSearchParams(location.hash.slice(1)).get("sign-in") ?? "";
  if (link) history.replaceState(null, "", location.pathname);
  return link;
}

function changed(): void {
  route = read();
  for (const listener of listeners) listener();
}

function read(): Route {
  const name = location.pathname.slice(CONSOLE.length + 1);
  const screen = SCREENS.find((one) => one === name) ?? "overview";
  return { screen, params: Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
}

/** Handles a click on a link of the console without loading the page again. */
function follow(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !plain || link.target || link.hasAttribute("download") || event.defaultPrevented) return;
  const inside = link.pathname === CONSOLE || link.pathname.startsWith(`${CONSOLE}/`);
  if (link.origin !== location.origin || !inside) return;
  event.preventDefault();
  if (link.href === location.href) return;
  history.pushState(null, "", link.href);
  const before = route.screen;
  changed();
  if (before !== route.screen) scrollTo(0, 0);
}
