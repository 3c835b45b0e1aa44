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

export const SCREENS = [
  "overview",
  "operations",
  "operation",
  "pools",
  "pool",
  "senders",
  "resolve",
  "requests",
  "request",
  "messages",
  "message",
] as const;
export type Screen = (typeof SCREENS)[number];
/** The screens of one thing; the parameter `id` says which. */
export const THINGS = ["operation", "pool", "request", "message"] as const satisfies readonly Screen[];
export type Params = Readonly<Record<string, string>>;

export interface Route {
  screen: Screen;
  params: Params;
}

const listeners = new Set<() => void>();
takeQuery();
/** The secret of a sign-in link, removed from the address before anything else sees it; empty without one. */
export const LINK = takeLink();
let route = read();

/** What fills the page: a screen, and on the screen of one thing that thing. */
export function placeOf({ screen, params }: Route): string {
  return THINGS.some((one) => one === screen) ? `${screen} ${params["id"]}` : screen;
}

/** Whether the last change was a step back or forward in the history, and whether the screen has put the focus where it was. */
let stepped = false;
let settled = false;
let moved = false;

history.scrollRestoration = "manual";
addEventListener("popstate", () => {
  const before = placeOf(route);
  changed(true);
  if (before !== placeOf(route)) scrollTo(0, 0);
});
addEventListener("hashchange", () => changed(stepped));
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
  if (replace) history.replaceState(history.state, "", address);
  else history.pushState({ from: route.screen }, "", address);
  const before = placeOf(route);
  changed();
  if (!replace && before !== placeOf(route)) scrollTo(0, 0);
}

/** Goes back to where the user came from; to `screen` when the user came from outside. */
export function back(screen: Screen): void {
  if ((history.state as { from?: Screen } | null)?.from) history.back();
  else go(screen);
}

/** Whether the screen is shown by a step in the history, so that it should be as it was left. */
export function comingBack(): boolean {
  return stepped;
}

/** Whether the user has moved from the first screen, or from the first thing, to another one. */
export function isMoved(): boolean {
  return moved;
}

/** Tells that a list has put the focus back on its row. */
export function focused(done: boolean): void {
  settled = done;
}

/** Whether a list has put the focus back on its row. */
export function isFocused(): boolean {
  return settled;
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

/** An id in the query, as in a link that a person wrote, goes where the console has it: behind the `#`. */
function takeQuery(): void {
  if (location.search && !location.hash) history.replaceState(null, "", `${location.pathname}#${location.search.slice(1)}`);
}

function changed(step = false): void {
  stepped = step;
  settled = false;
  const before = placeOf(route);
  route = read();
  moved ||= placeOf(route) !== before;
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
  history.pushState({ from: route.screen }, "", link.href);
  const before = placeOf(route);
  changed();
  if (before !== placeOf(route)) scrollTo(0, 0);
}
