/** Lists: awaited pages, iteration over items. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Invalid, Signalbox } from "signalbox-client";
import { ACCOUNT, type TestProxy, startProxy, type Server, serve } from "./server.js";

let server: Server;
let path: TestProxy;
let client: Signalbox;
const COUNT = 7;

before(async () => {
  server = await serve();
  path = await startProxy(server.url);
  client = new Signalbox({ ...ACCOUNT, url: path.url });
  for (let n = 0; n < COUNT; n++) await client.senderPools.create({ name: `Pool ${n}` });
  const rows = Array.from({ length: COUNT }, (_, n) => ({ channel: "SMS" as const, address: `+1202555010${n}` }));
  await client.inventory.enter(rows);
});
after(async () => {
  await path.close();
  await server.stop();
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("an awaited list is its first page, with the fields of the API", async () => {
  const page = await client.senderPools.list({ pageSize: 3 });
  assert.deepEqual(Object.keys(page), ["senderPools", "pagination"]);
  assert.deepEqual(page.senderPools.map(({ name }) => name), ["Pool 6", "Pool 5", "Pool 4"]);
  const next = await client.senderPools.list({ pageSize: 3, pageToken: page.pagination.next! });
  assert.deepEqual(next.senderPools.map(({ name }) => name), ["Pool 3", "Pool 2", "Pool 1"]);
  const same = await client.senderPools.list({ pageSize: 3, pageToken: next.pagination.self });
  assert.deepEqual(same.senderPools, next.senderPools);
});

test("iterating over a list gives every item of every page, and fetches only pages that are reached", async () => {
  const asked = path.requests.length;
  const seen: string[] = [];
  for await (const { name } of client.senderPools.list({ pageSize: 2 })) {
    seen.push(name);
    if (seen.length === 3) break;
  }
  assert.deepEqual(seen, ["Pool 6", "Pool 5", "Pool 4"]);
  assert.equal(path.requests.length - asked, 2);
  assert.equal((await all(client.senderPools.list({ pageSize: 2 }))).length, COUNT);
});

test("pages of a list come one by one", async () => {
  const sizes = (await all(client.senders.list({ pageSize: 3 }).pages())).map((page) => page.senders.length);
  assert.deepEqual(sizes, [3, 3, 1]);
});

test("an iteration repeats the filters and starts at the given page token", async () => {
  const filters = { status: "COMPLETED", startDate: new Date("2024-01-01T00:00:00Z"), pageSize: 2 } as const;
  const first = await client.senderPools.listOperations(filters);
  const rest = await all(client.senderPools.listOperations({ ...filters, pageToken: first.pagination.next! }));
  assert.equal(first.operations.length + rest.length, COUNT);
  assert.ok(rest.every(({ status }) => status === "COMPLETED"));
});

test("each iteration over a list starts again", async () => {
  const list = client.senders.list({ pageSize: 4 });
  const [one, two] = await Promise.all([all(list), all(list)]);
  assert.equal(one.length, COUNT);
  assert.deepEqual(one, two);
});

test("a list sends no request before it is used, and fetches its first page once", async () => {
  const asked = path.requests.length;
  const list = client.senders.list();
  await new Promise(setImmediate);
  assert.equal(path.requests.length, asked);
  assert.equal(await list, await list);
  assert.equal(path.requests.length, asked + 1);
});

test("a list is a promise: then, catch, finally and Promise.all accept it", async () => {
  let settled = false;
  const count = await client.senders
    .list()
    .finally(() => (settled = true))
    .then(({ senders }) => senders.length);
  assert.deepEqual([count, settled], [COUNT, true]);
  const [pools, senders] = await Promise.all([client.senderPools.list(), client.senders.list()]);
  assert.deepEqual([pools.senderPools.length, senders.senders.length], [COUNT, COUNT]);
  const refused = await client.senders.list({ pageSize: 5000 }).catch((error: unknown) => error);
  assert.ok(refused instanceof Invalid);
});

test("search and ledger are lists as well", async () => {
  const found = await all(client.senders.search({ address: "+12025550100", channel: "SMS" }));
  assert.equal(found.length, 1);
  const ids = (await all(client.senders.list())).map(({ id }) => id);
  const { operationId } = await client.senderPools.create({ senders: ids });
  await client.senderPools.wait(operationId);
  const items = await all(client.ledger.listItems(operationId, { pageSize: 3 }));
  assert.deepEqual(items.map(({ index }) => index), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(items.map(({ senderId }) => senderId), [null, ...ids]);
});

test("an error in the middle of an iteration reaches the loop", async () => {
  await assert.rejects(all(client.senders.list({ pageToken: "nonsense" })), Invalid);
});

test("an id that would lead to another path fails before any request", async () => {
  const asked = path.requests.length;
  for (const id of ["", ".", ".."]) {
    await assert.rejects(client.senderPools.fetch(id), TypeError);
    await assert.rejects(all(client.senderPools.listSenders(id)), TypeError);
  }
  assert.equal(path.requests.length, asked);
  await assert.rejects(client.senderPools.fetch("../Senders"), Invalid);
});
