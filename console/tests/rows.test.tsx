/** Lists of any length: which rows are in the page, which pages are read, and what the keyboard does. */
import "./page.ts";
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { options, render } from "preact";
import type { Call } from "../src/api.ts";
import { Rows } from "../src/rows.tsx";
import { type Arrived, clock, event, key, settled, show, site, until } from "./page.ts";

const ROW = 36; // pixels, as in style.css
const IN_SIGHT = 20; // rows of a window of 720 pixels

// Effects run in the next turn, not after a frame and a timer: time stands still here.
options.requestAnimationFrame = (effects) => void setImmediate(effects);

interface Thing {
  id: number;
}

/** The server: things, newest first, in pages of which each begins below the last thing of the one before. */
let things: Thing[];
let asked: (number | null)[];
let held: (() => void)[] | undefined;
let instead: ((one: Arrived) => void) | undefined;
let opened: number[];
let scrolled: number;

function respond(one: Arrived): void {
  const { searchParams } = new URL(one.request.url!, location.origin);
  const token = searchParams.get("pageToken");
  asked.push(token === null ? null : Number(token));
  const go = () => {
    if (instead) return instead(one);
    const below = token === null ? Infinity : Number(token);
    const page = things.filter(({ id }) => id < below).slice(0, Number(searchParams.get("pageSize")));
    const next = page.length && page.at(-1)!.id > things.at(-1)!.id ? String(page.at(-1)!.id) : null;
    one.response.end(JSON.stringify({ things: page, pagination: { next } }));
  };
  if (held) held.push(go);
  else go();
}

function refuse(status: number, headers: Record<string, string> = {}) {
  instead = ({ response }) => response.writeHead(status, headers).end(JSON.stringify({ message: "no" }));
}

/** The newest `count` things; the oldest one is 1. */
function upTo(count: number): Thing[] {
  return Array.from({ length: count }, (_, index) => ({ id: count - index }));
}

interface Given {
  call?: Call;
  every?: number;
  round?: number;
  names?: (thing: Thing) => readonly string[];
}

function list(given: Given = {}): void {
  const columns = [
    { name: "Thing", cell: (thing: Thing) => <a data-row href="#there">{`thing ${thing.id}`}</a> },
    { name: "Act", kind: "act" as const, cell: (thing: Thing) => <button>{`act on ${thing.id}`}</button> },
  ];
  const props = { label: "Things", member: "things", columns, empty: <p>none</p>, call: { path: "/v1/things" }, ...given };
  render(<Rows<Thing> {...props} id={(thing) => String(thing.id)} open={(thing) => opened.push(thing.id)} />, document.body);
}

const all = <E extends Element = HTMLElement>(selector: string) => [...document.querySelectorAll<E>(selector)];
const rows = () => all("tbody tr:not(.space)");
const indexes = () => rows().map((row) => Number(row.dataset["index"]));
const texts = () => rows().map((row) => row.querySelector("a")?.textContent ?? "");
const spaces = () => all("tr.space td").map((cell) => Number.parseInt(cell.style.height) / ROW);
const focused = () => document.activeElement?.textContent;
const active = () => all("tr.active").map((row) => row.querySelector("a")?.textContent);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

function scroll(row: number): void {
  scrolled = row * ROW;
  dispatchEvent(event("scroll"));
}

async function shown(text: string): Promise<void> {
  await until(() => texts().includes(text), text);
}

async function press(...names: string[]): Promise<void> {
  for (const name of names) {
    key(name);
    await settled();
  }
}

/** Walks down until the whole list was read. */
async function toTheEnd(count: number): Promise<void> {
  for (let row = 0; row < count; row += IN_SIGHT) {
    scroll(row);
    await shown(`thing ${count - row}`);
  }
}

beforeEach(() => {
  [things, asked, held, instead, opened, scrolled] = [[], [], undefined, undefined, [], 0];
  site.respond = respond;
  // happy-dom lays nothing out: the list begins at the top of the page, and scrolls with it.
  const top = function (this: Element) {
    return { top: this.className === "rows" ? -scrolled : 0 } as DOMRect;
  };
  mock.method(Object.getPrototypeOf(Object.getPrototypeOf(document.body)) as Element, "getBoundingClientRect", top);
  Object.assign(globalThis, {
    scrollBy: ({ top: by }: { top: number }) => {
      scrolled += by;
      dispatchEvent(event("scroll"));
    },
  });
});

afterEach(async () => {
  render(null, document.body);
  (document.activeElement as HTMLElement | null)?.blur();
  instead = undefined;
  for (const go of held ?? []) go();
  await settled();
  mock.restoreAll();
  show(true);
});

test("a list without rows says so, once it is known", async () => {
  held = [];
  list();
  await until(() => held!.length === 1, "the first request");
  assert.equal(all("[role=status]").length, 1);
  assert.equal(all(".empty").length, 0);
  held.pop()!();
  await until(() => all(".empty").length === 1, "the word for nothing");
  assert.deepEqual(asked, [null]);
});

test("rows in sight and twelve on each side are in the page, and spaces stand for the others", async () => {
  things = upTo(1000);
  list();
  await shown("thing 1000");
  assert.deepEqual(indexes(), range(0, IN_SIGHT + 24));
  assert.deepEqual(spaces(), [100 - 44]);
  assert.deepEqual(asked, [null]);
  scroll(40);
  await until(() => indexes()[0] === 28, "rows further down");
  assert.deepEqual(indexes(), range(28, 72));
  assert.equal(texts()[0], "thing 972");
  assert.deepEqual(spaces(), [28, 28]);
  assert.deepEqual(rows().map((row) => Number(row.getAttribute("aria-rowindex"))), range(30, 74));
});

test("the next page is read as one comes near the end of what is there", async () => {
  things = upTo(250);
  list();
  await shown("thing 250");
  scroll(45);
  await until(() => asked.length === 2, "the second page");
  assert.deepEqual(asked, [null, 151]);
  await until(() => spaces().at(-1) === 200 - 77, "room for it");
  assert.equal(all("table")[0]!.getAttribute("aria-rowcount"), "-1");
  await toTheEnd(250);
  assert.deepEqual(asked, [null, 151, 51]);
  assert.equal(all("table")[0]!.getAttribute("aria-rowcount"), "251");
  assert.equal(texts().at(-1), "thing 1");
  assert.equal(all(".end")[0]!.textContent, "250 in all");
  assert.equal(all(".skeleton").length, 0);
});

test("pages far from what is in sight are let go, and read again when one comes back", async () => {
  things = upTo(1000);
  list();
  await shown("thing 1000");
  await toTheEnd(1000);
  assert.equal(asked.length, 10);
  held = [];
  scroll(0);
  await until(() => held!.length === 1, "the first page again");
  assert.deepEqual([...new Set(texts())], [""], "places of rows that are read again");
  held.pop()!();
  held = undefined;
  await shown("thing 1000");
  assert.deepEqual(asked.slice(10), [null]);
  assert.deepEqual(spaces(), [1000 - 44]);
});

test("a page that lost rows while it was away leaves no places behind", async () => {
  things = upTo(600);
  list();
  await shown("thing 600");
  await toTheEnd(600);
  scroll(0);
  await shown("thing 600");
  things = things.filter(({ id }) => id > 30);
  scroll(560);
  await until(() => asked.at(-1) === 101, "the last page again");
  await until(() => texts().at(-1) === "thing 31", "the last row");
  assert.equal(all(".end")[0]!.textContent, "570 in all");
});

test("keys go from row to row, stop at both ends, and open the row that has the focus", async () => {
  things = upTo(3);
  list();
  await shown("thing 3");
  await press("j");
  assert.equal(focused(), "thing 3");
  await press("k");
  assert.equal(focused(), "thing 3");
  await press("ArrowDown", "j", "j", "j");
  assert.equal(focused(), "thing 1");
  assert.deepEqual(active(), ["thing 1"]);
  await press("ArrowUp", "Enter", "Home", "Enter");
  assert.deepEqual(opened, [2, 3]);
});

test("Enter opens nothing before a row was chosen", async () => {
  things = upTo(3);
  list();
  await shown("thing 3");
  await press("Enter");
  assert.deepEqual(opened, []);
});

test("a row that keys come to is brought into sight", async () => {
  things = upTo(100);
  list();
  await shown("thing 100");
  await press(...Array<string>(21).fill("j"));
  assert.equal(focused(), "thing 80");
  assert.equal(scrolled, (21 + 2 - IN_SIGHT) * ROW);
  await press(...Array<string>(20).fill("k"));
  assert.equal(focused(), "thing 100");
  assert.equal(scrolled, -ROW);
});

test("the first row has the focus after Home, also when it had to be read again", async () => {
  things = upTo(1000);
  list();
  await shown("thing 1000");
  await toTheEnd(1000);
  held = [];
  await press("Home");
  await until(() => held!.length === 1, "the first page again");
  await until(() => indexes()[0] === 0, "the place of the first row");
  held.pop()!();
  held = undefined;
  await shown("thing 1000");
  assert.equal(focused(), "thing 1000");
});

test("a row keeps the focus and is the one that Enter opens when newer ones come above it", async () => {
  things = upTo(5);
  list({ every: 4000 });
  await shown("thing 5");
  await press("j", "j");
  things = upTo(7);
  clock.pass(4000);
  await shown("thing 7");
  assert.equal(focused(), "thing 4");
  assert.deepEqual(active(), ["thing 4"]);
  await press("Enter", "j");
  assert.deepEqual(opened, [4]);
  assert.equal(focused(), "thing 3");
});

test("another list has no chosen row", async () => {
  things = upTo(5);
  list();
  await shown("thing 5");
  await press("j", "j");
  things = upTo(9);
  list({ call: { path: "/v1/things", query: { status: "ACTIVATED" } } });
  await shown("thing 9");
  assert.deepEqual(active(), []);
  await press("j");
  assert.equal(focused(), "thing 9");
});

test("a click on a row opens it, a click on a button in it does not", async () => {
  things = upTo(3);
  list();
  await shown("thing 3");
  rows()[1]!.click();
  all("tbody button")[2]!.click();
  assert.deepEqual(opened, [2]);
});

test("what is in sight is read again while one looks at it: the top, or the pages further down", async () => {
  things = upTo(300);
  list({ every: 4000 });
  await shown("thing 300");
  things = upTo(301);
  clock.pass(4000);
  await shown("thing 301");
  await toTheEnd(301);
  const before = asked.length;
  show(false);
  clock.pass(8000);
  await settled();
  assert.equal(asked.length, before, "a hidden page asks for nothing");
  show(true);
  things = things.filter(({ id }) => id > 5);
  clock.pass(4000);
  await until(() => texts().at(-1) === "thing 6", "the end of the list without what is gone");
  assert.ok(asked.slice(before).every((token) => token !== null), "the top is out of sight");
});

test("the names of what was read are asked for, a page at a time", async () => {
  things = upTo(150);
  const named: number[] = [];
  const lists = respond;
  site.respond = (one) => {
    if (one.request.url !== "/signalbox/v1/Names") return lists(one);
    let body = "";
    one.request.on("data", (piece: Buffer) => (body += piece.toString()));
    one.request.on("end", () => {
      named.push((JSON.parse(body) as { ids: string[] }).ids.length);
      one.response.end(JSON.stringify({ senderPools: [], senders: [], operations: [] }));
    });
  };
  list({ names: (thing) => [`id ${thing.id}`] });
  await until(() => named.length === 1, "the names of the first page");
  scroll(90);
  await until(() => named.length === 2, "the names of the second page");
  assert.deepEqual(named, [100, 50]);
});

test("a server that goes on failing is asked less and less often", async () => {
  refuse(503);
  list();
  for (const [count, wait] of [4000, 8000, 16_000, 32_000, 60_000, 60_000].entries()) {
    await until(() => asked.length === count + 1 && all("[role=alert]").length === 1, "the failure");
    await settled();
    clock.pass(wait - 1);
    await settled();
    assert.equal(asked.length, count + 1);
    clock.pass(1);
  }
  await until(() => asked.length === 7, "the last request");
});

test("a server that takes longer than the time between two reads is waited for", async () => {
  things = upTo(3);
  list({ every: 4000 });
  await shown("thing 3");
  held = [];
  things = upTo(4);
  clock.pass(4000);
  await until(() => held!.length === 1, "the request");
  clock.pass(8000);
  await settled();
  assert.equal(held.length, 1);
  held.pop()!();
  await shown("thing 4");
});

test("another round reads the list from the top", async () => {
  things = upTo(3);
  list({ round: 0 });
  await shown("thing 3");
  things = upTo(2);
  list({ round: 1 });
  await until(() => !texts().includes("thing 3"), "the new list");
  await shown("thing 2");
  assert.deepEqual(asked, [null, null]);
});

test("a server that fails is told of and asked again by itself, not before it said", async () => {
  refuse(503, { "retry-after": "9" });
  list();
  await until(() => all("[role=alert]").length === 1, "the failure");
  assert.match(all("[role=alert]")[0]!.textContent!, /503.*no/);
  assert.equal(all(".empty").length, 0);
  [things, instead] = [upTo(1), undefined];
  clock.pass(8999);
  await settled();
  assert.equal(asked.length, 1);
  clock.pass(1);
  await shown("thing 1");
  assert.equal(all("[role=alert]").length, 0);
});

test("a refusal is told of, and asked again only by who reads it", async () => {
  refuse(400);
  list();
  await until(() => all("[role=alert]").length === 1, "the failure");
  clock.pass(60_000);
  await settled();
  assert.equal(asked.length, 1);
  [things, instead] = [upTo(1), undefined];
  all("[role=alert] button")[0]!.click();
  await shown("thing 1");
});

test("a response that is no JSON, or ends too early, is a failure like others", async () => {
  for (const body of ["<html>a proxy's page</html>", '{"things": [']) {
    asked = [];
    instead = ({ response }) => response.end(body);
    list({ round: body.length });
    await until(() => all("[role=alert]").length === 1 || asked.length > 1, "the failure");
    await settled();
    assert.equal(asked.length, 1);
    assert.equal(all("[role=alert]").length, 1);
  }
});
