/** Lists of any length: which rows are in the page, which pages are read, and what the keyboard does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, settled, show, site, until } from "./page.ts";
import {
  active,
  all,
  focused,
  IN_SIGHT,
  indexes,
  list,
  press,
  range,
  respond,
  ROW,
  rows,
  scroll,
  server,
  shown,
  spaces,
  texts,
  toTheEnd,
  upTo,
} from "./things.tsx";

test("a list without rows says so, once it is known", async () => {
  server.held = [];
  list();
  await until(() => server.held!.length === 1, "the first request");
  assert.equal(all("[role=status]").length, 1);
  assert.equal(all(".empty").length, 0);
  server.held.pop()!();
  await until(() => all(".empty").length === 1, "the word for nothing");
  assert.deepEqual(server.asked, [null]);
});

test("rows in sight and twelve on each side are in the page, and spaces stand for the others", async () => {
  server.things = upTo(1000);
  list();
  await shown("thing 1000");
  assert.deepEqual(indexes(), range(0, IN_SIGHT + 24));
  assert.deepEqual(spaces(), [100 - 44]);
  assert.deepEqual(server.asked, [null]);
  scroll(40);
  await until(() => indexes()[0] === 28, "rows further down");
  assert.deepEqual(indexes(), range(28, 72));
  assert.equal(texts()[0], "thing 972");
  assert.deepEqual(spaces(), [28, 28]);
  assert.deepEqual(rows().map((row) => Number(row.getAttribute("aria-rowindex"))), range(30, 74));
});

test("the next page is read as one comes near the end of what is there", async () => {
  server.things = upTo(250);
  list();
  await shown("thing 250");
  scroll(45);
  await until(() => server.asked.length === 2, "the second page");
  assert.deepEqual(server.asked, [null, 151]);
  await until(() => spaces().at(-1) === 200 - 77, "room for it");
  assert.equal(all("table")[0]!.getAttribute("aria-rowcount"), "-1");
  await toTheEnd(250);
  assert.deepEqual(server.asked, [null, 151, 51]);
  assert.equal(all("table")[0]!.getAttribute("aria-rowcount"), "251");
  assert.equal(texts().at(-1), "thing 1");
  assert.equal(all(".end")[0]!.textContent, "250 in all");
  assert.equal(all(".skeleton").length, 0);
});

test("pages far from what is in sight are let go, and read again when one comes back", async () => {
  server.things = upTo(1000);
  list();
  await shown("thing 1000");
  await toTheEnd(1000);
  assert.equal(server.asked.length, 10);
  server.held = [];
  scroll(0);
  await until(() => server.held!.length === 1, "the first page again");
  assert.deepEqual([...new Set(texts())], [""], "places of rows that are read again");
  server.held.pop()!();
  server.held = undefined;
  await shown("thing 1000");
  assert.deepEqual(server.asked.slice(10), [null]);
  assert.deepEqual(spaces(), [1000 - 44]);
});

test("a page that lost rows while it was away leaves no places behind", async () => {
  server.things = upTo(600);
  list();
  await shown("thing 600");
  await toTheEnd(600);
  scroll(0);
  await shown("thing 600");
  server.things = server.things.filter(({ id }) => id > 30);
  scroll(560);
  await until(() => server.asked.at(-1) === 101, "the last page again");
  await until(() => texts().at(-1) === "thing 31", "the last row");
  assert.equal(all(".end")[0]!.textContent, "570 in all");
});

test("keys go from row to row, stop at both ends, and open the row that has the focus", async () => {
  server.things = upTo(3);
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
  assert.deepEqual(server.opened, [2, 3]);
});

test("Enter opens nothing before a row was chosen", async () => {
  server.things = upTo(3);
  list();
  await shown("thing 3");
  await press("Enter");
  assert.deepEqual(server.opened, []);
});

test("a row that keys come to is brought into sight", async () => {
  server.things = upTo(100);
  list();
  await shown("thing 100");
  await press(...Array<string>(21).fill("j"));
  assert.equal(focused(), "thing 80");
  assert.equal(server.scrolled, (21 + 2 - IN_SIGHT) * ROW);
  await press(...Array<string>(20).fill("k"));
  assert.equal(focused(), "thing 100");
  assert.equal(server.scrolled, -ROW);
});

test("the first row has the focus after Home, also when it had to be read again", async () => {
  server.things = upTo(1000);
  list();
  await shown("thing 1000");
  await toTheEnd(1000);
  server.held = [];
  await press("Home");
  await until(() => server.held!.length === 1, "the first page again");
  await until(() => indexes()[0] === 0, "the place of the first row");
  server.held.pop()!();
  server.held = undefined;
  await shown("thing 1000");
  assert.equal(focused(), "thing 1000");
});

test("a row keeps the focus and is the one that Enter opens when newer ones come above it", async () => {
  server.things = upTo(5);
  list({ every: 4000 });
  await shown("thing 5");
  await press("j", "j");
  server.things = upTo(7);
  clock.pass(4000);
  await shown("thing 7");
  assert.equal(focused(), "thing 4");
  assert.deepEqual(active(), ["thing 4"]);
  await press("Enter", "j");
  assert.deepEqual(server.opened, [4]);
  assert.equal(focused(), "thing 3");
});

test("another list has no chosen row", async () => {
  server.things = upTo(5);
  list();
  await shown("thing 5");
  await press("j", "j");
  server.things = upTo(9);
  list({ call: { path: "/v1/things", query: { status: "ACTIVATED" } } });
  await shown("thing 9");
  assert.deepEqual(active(), []);
  await press("j");
  assert.equal(focused(), "thing 9");
});

test("a click on a row opens it, a click on a button in it does not", async () => {
  server.things = upTo(3);
  list();
  await shown("thing 3");
  rows()[1]!.click();
  all("tbody button")[2]!.click();
  assert.deepEqual(server.opened, [2]);
});

test("what is in sight is read again while one looks at it: the top, or the pages further down", async () => {
  server.things = upTo(300);
  list({ every: 4000 });
  await shown("thing 300");
  server.things = upTo(301);
  clock.pass(4000);
  await shown("thing 301");
  await toTheEnd(301);
  const before = server.asked.length;
  show(false);
  clock.pass(8000);
  await settled();
  assert.equal(server.asked.length, before, "a hidden page asks for nothing");
  show(true);
  server.things = server.things.filter(({ id }) => id > 5);
  clock.pass(4000);
  await until(() => texts().at(-1) === "thing 6", "the end of the list without what is gone");
  assert.ok(server.asked.slice(before).every((token) => token !== null), "the top is out of sight");
});

test("the names of what was read are asked for, a page at a time", async () => {
  server.things = upTo(150);
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

test("another round reads the list from the top", async () => {
  server.things = upTo(3);
  list({ round: 0 });
  await shown("thing 3");
  server.things = upTo(2);
  list({ round: 1 });
  await until(() => !texts().includes("thing 3"), "the new list");
  await shown("thing 2");
  assert.deepEqual(server.asked, [null, null]);
});
