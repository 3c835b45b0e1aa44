/** A list of things on a page, and the server that has them: for the tests of rows. */
import "./page.ts";
import { afterEach, beforeEach, mock } from "node:test";
import { options, render } from "preact";
import type { Call } from "../src/api.ts";
import { Rows } from "../src/rows.tsx";
import { type Arrived, event, key, settled, show, site, until } from "./page.ts";

export const ROW = 36; // pixels, as in style.css
export const IN_SIGHT = 20; // rows of a window of 720 pixels

// Effects run in the next turn, not after a frame and a timer: time stands still here.
options.requestAnimationFrame = (effects) => void setImmediate(effects);

export interface Thing {
  id: number;
}

interface Server {
  /** Newest first, in pages of which each begins below the last thing of the one before. */
  things: Thing[];
  asked: (number | null)[];
  held: (() => void)[] | undefined;
  instead: ((one: Arrived) => void) | undefined;
  opened: number[];
  scrolled: number;
}

/** What the server has and was asked for, and what a person did. Each test begins with a new one. */
export const server: Server = { things: [], asked: [], held: undefined, instead: undefined, opened: [], scrolled: 0 };

export function respond(one: Arrived): void {
  const { searchParams } = new URL(one.request.url!, location.origin);
  const token = searchParams.get("pageToken");
  server.asked.push(token === null ? null : Number(token));
  const go = () => {
    if (server.instead) return server.instead(one);
    const below = token === null ? Infinity : Number(token);
    const page = server.things.filter(({ id }) => id < below).slice(0, Number(searchParams.get("pageSize")));
    const next = page.length && page.at(-1)!.id > server.things.at(-1)!.id ? String(page.at(-1)!.id) : null;
    one.response.end(JSON.stringify({ things: page, pagination: { next } }));
  };
  if (server.held) server.held.push(go);
  else go();
}

export function refuse(status: number, headers: Record<string, string> = {}) {
  server.instead = ({ response }) => response.writeHead(status, headers).end(JSON.stringify({ message: "no" }));
}

/** The newest `count` things; the oldest one is 1. */
export function upTo(count: number): Thing[] {
  return Array.from({ length: count }, (_, index) => ({ id: count - index }));
}

interface Given {
  call?: Call;
  every?: number;
  round?: number;
  names?: (thing: Thing) => readonly string[];
}

export function list(given: Given = {}): void {
  const columns = [
    { name: "Thing", cell: (thing: Thing) => <a data-row href="#there">{`thing ${thing.id}`}</a> },
    { name: "Act", kind: "act" as const, cell: (thing: Thing) => <button>{`act on ${thing.id}`}</button> },
  ];
  const props = { label: "Things", member: "things", columns, empty: <p>none</p>, call: { path: "/v1/things" }, ...given };
  render(<Rows<Thing> {...props} id={(thing) => String(thing.id)} open={(thing) => server.opened.push(thing.id)} />, document.body);
}

export const all = <E extends Element = HTMLElement>(selector: string) => [...document.querySelectorAll<E>(selector)];
export const rows = () => all("tbody tr:not(.space)");
export const indexes = () => rows().map((row) => Number(row.dataset["index"]));
export const texts = () => rows().map((row) => row.querySelector("a")?.textContent ?? "");
export const spaces = () => all("tr.space td").map((cell) => Number.parseInt(cell.style.height) / ROW);
export const focused = () => document.activeElement?.textContent;
export const active = () => all("tr.active").map((row) => row.querySelector("a")?.textContent);
export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

export function scroll(row: number): void {
  server.scrolled = row * ROW;
  dispatchEvent(event("scroll"));
}

export async function shown(text: string): Promise<void> {
  await until(() => texts().includes(text), text);
}

export async function press(...names: string[]): Promise<void> {
  for (const name of names) {
    key(name);
    await settled();
  }
}

/** Walks down until the whole list was read. */
export async function toTheEnd(count: number): Promise<void> {
  for (let row = 0; row < count; row += IN_SIGHT) {
    scroll(row);
    await shown(`thing ${count - row}`);
  }
}

beforeEach(() => {
  Object.assign(server, { things: [], asked: [], held: undefined, instead: undefined, opened: [], scrolled: 0 });
  site.respond = respond;
  // happy-dom lays nothing out: the list begins at the top of the page, and scrolls with it.
  const top = function (this: Element) {
    return { top: this.className === "rows" ? -server.scrolled : 0 } as DOMRect;
  };
  mock.method(Object.getPrototypeOf(Object.getPrototypeOf(document.body)) as Element, "getBoundingClientRect", top);
  Object.assign(globalThis, {
    scrollBy: ({ top: by }: { top: number }) => {
      server.scrolled += by;
      dispatchEvent(event("scroll"));
    },
  });
});

afterEach(async () => {
  render(null, document.body);
  (document.activeElement as HTMLElement | null)?.blur();
  server.instead = undefined;
  for (const go of server.held ?? []) go();
  await settled();
  mock.restoreAll();
  show(true);
});
