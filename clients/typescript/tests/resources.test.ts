/** Every method of every resource, on a real server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  Conflict,
  etagOf,
  type InventoryRow,
  NotFound,
  PreconditionFailed,
  type Sender,
  Signalbox,
  TwilioClient,
} from "signalbox-client";
import { ACCOUNT, type Server, serve } from "./server.js";

const NOBODY = "comms_sender_01h2xcejqtf2nbrexx3vqjhp41";
let server: Server;
let client: Signalbox;

before(async () => {
  server = await serve();
  client = new Signalbox({ ...ACCOUNT, url: server.url });
});
after(() => server.stop());

/** Creates senders that no other test uses. */
let used = 0;
async function enter(count: number, more: Partial<InventoryRow> = {}): Promise<Sender[]> {
  const addresses = Array.from({ length: count }, () => `bot.${(used += 1)}`);
  const rows = addresses.map((address) => ({ channel: "PUSH" as const, address, ...more }));
  assert.deepEqual(await client.inventory.enter(rows), { created: count, updated: 0, refused: [], warnings: [] });
  const found = await Promise.all(addresses.map((address) => client.senders.search({ address, channel: "PUSH" })));
  return found.flatMap(({ senders }) => senders);
}

async function pool(senders: readonly Sender[], name = "A pool"): Promise<string> {
  const { operationId } = await client.senderPools.create({ name, senders: senders.map(({ id }) => id) });
  await client.senderPools.wait(operationId);
  return (await client.senderPools.list({ operationId })).senderPools[0]!.id;
}

test("the call of the vendor's reference runs as printed", async () => {
  const { accountSid: accountId, authToken } = ACCOUNT;
  const client = new TwilioClient({ accountId, authToken, baseUrl: server.url });
  const page = await client.senderPools.listOperations({});
  assert.deepEqual(Object.keys(page), ["operations", "pagination"]);
  assert.equal(client instanceof Signalbox, true);
});

test("the calls of the vendor's samples accept the same arguments", async () => {
  const [one, two] = await enter(2);
  const made = await client.senderPools.create({ name: "Sales Leads - APAC", tags: { region: "APAC" } });
  const { senderPools } = await client.senderPools.list({
    startDate: new Date("2024-01-15T09:30:00Z"),
    endDate: new Date("2100-01-15T09:30:00Z"),
    operationId: made.operationId,
    pageSize: 50,
  });
  const id = senderPools[0]!.id;
  await client.senderPools.update(id, { name: "Customer Support Senders - Tier 1", tags: { tier: "1" } });
  assert.equal((await client.senderPools.fetch(id)).name, "Customer Support Senders - Tier 1");
  const added = await client.senderPools.addSender(id, [{ senderId: one!.id }, { senderId: two!.id }]);
  assert.equal((await client.senderPools.wait(added.operationId)).stats.created, 2);
  await client.senderPools.removeSender(id, two!.id);
  const { senders } = await client.senderPools.listSenders(id, {
    channel: "PUSH",
    status: "ACTIVATED",
    startDate: new Date("2024-01-15T09:30:00Z"),
    pageSize: 50,
  });
  assert.deepEqual(senders, [one]);
  assert.deepEqual((await client.senders.search({ address: one!.address, channel: "PUSH" })).senders, [one]);
  assert.equal((await client.senderPools.delete(id)).resourceId, id);
});

test("inventory accepts rows, NDJSON and CSV, and names the rows that it refuses", async () => {
  const rows: InventoryRow[] = [
    { channel: "SMS", address: "+12025550100", displayName: "Support", tags: { team: "red" } },
    { channel: "SMS", address: "+1" },
  ];
  const entered = await client.inventory.enter(rows);
  assert.deepEqual([entered.created, entered.updated, entered.refused.length], [1, 0, 1]);
  assert.deepEqual([entered.refused[0]?.context, entered.refused[0]?.line], ["$[1].address", null]);
  const csv = "channel,address\nSMS,+12025550100\nSMS,+12025550101\nSMS,+1\n";
  const again = await client.inventory.enter(csv, { media: "text/csv" });
  assert.deepEqual([again.created, again.updated, again.refused[0]?.line], [1, 1, 4]);
  const ndjson = new TextEncoder().encode('{"channel":"EMAIL","address":"hello@example.com"}\n');
  assert.equal((await client.inventory.enter(ndjson, { media: "application/x-ndjson" })).created, 1);
});

test("a sender of the inventory has its region", async () => {
  const entered = await client.inventory.enter([
    { channel: "SMS", address: "27312", region: "CA" },
    { channel: "SMS", address: "+14365550123" },
  ]);
  assert.deepEqual(entered.warnings.map(({ context }) => context), ["$[1].address"]);
  const { senders } = await client.senders.search({ address: "27312", channel: "SMS" });
  const sender = await client.inventory.fetch(senders[0]!.id);
  assert.deepEqual([sender.region, sender.createdAt], ["CA", senders[0]!.createdAt]);
  assert.equal(etagOf(sender), etagOf(await client.senders.fetch(sender.id)));
});

test("a sender has its times as dates, and only the API's fields", async () => {
  const [sender] = await enter(1, { displayName: "Ada", tags: { createdAt: "not-a-time" } });
  assert.deepEqual(Object.keys(sender!).sort(), [
    ...["address", "channel", "createdAt", "displayName", "id", "status", "tags", "updatedAt"],
  ]);
  assert.ok(sender?.createdAt instanceof Date && Math.abs(sender.createdAt.getTime() - Date.now()) < 60_000);
  assert.equal(sender.tags.createdAt, "not-a-time");
  assert.deepEqual(await client.senders.fetch(sender.id), sender);
});

test("a time read from a response and sent back excludes exactly that item", async () => {
  const [sender] = await enter(1);
  const { senders } = await client.senders.list({ startDate: sender!.createdAt });
  assert.ok(!senders.some(({ id }) => id === sender!.id));
  const before = new Date(sender!.createdAt.getTime() - 1).toISOString();
  const { senders: later } = await client.senders.list({ channel: "PUSH", status: "ACTIVATED", startDate: before });
  assert.ok(later.some(({ id }) => id === sender!.id));
});

test("a sender is changed and removed", async () => {
  const [sender] = await enter(1);
  const changed = await client.inventory.update(sender!.id, { displayName: "Ben", status: "DEACTIVATED" });
  assert.deepEqual([changed.displayName, changed.status], ["Ben", "DEACTIVATED"]);
  assert.equal((await client.inventory.update(sender!.id, { displayName: null })).displayName, null);
  assert.equal((await client.inventory.delete(sender!.id)).resourceId, sender!.id);
  await assert.rejects(client.senders.fetch(sender!.id), NotFound);
});

test("a change is made only in the state that ifMatch names", async () => {
  const [sender] = await enter(1);
  const id = await pool([sender!]);
  const first = await client.senderPools.fetch(id);
  const ifMatch = etagOf(first)!;
  assert.match(ifMatch, /^"\w+"$/);
  assert.deepEqual(Object.keys(first).sort(), ["createdAt", "id", "name", "tags", "updatedAt"]);
  await client.senderPools.update(id, { name: "Second" }, { ifMatch });
  await assert.rejects(client.senderPools.update(id, { name: "Third" }, { ifMatch }), PreconditionFailed);
  await assert.rejects(client.senderPools.removeSender(id, sender!.id, { ifMatch }), PreconditionFailed);
  await assert.rejects(client.senderPools.delete(id, { ifMatch }), PreconditionFailed);
  await assert.rejects(client.inventory.update(sender!.id, { displayName: "A" }, { ifMatch }), PreconditionFailed);
  await assert.rejects(client.inventory.delete(sender!.id, { ifMatch }), PreconditionFailed);
  const now = etagOf(await client.inventory.update(sender!.id, { displayName: "B" }))!;
  await client.inventory.delete(sender!.id, { ifMatch: now });
  assert.equal(etagOf((await client.senderPools.list()).senderPools[0]!), undefined);
});

test("senders may be given by id, one or many", async () => {
  const [one, two, three] = await enter(3);
  const id = await pool([one!]);
  await client.senderPools.wait((await client.senderPools.addSender(id, two!.id)).operationId);
  await client.senderPools.wait((await client.senderPools.addSender(id, { senderId: three!.id })).operationId);
  const { senders } = await client.senderPools.listSenders(id);
  assert.deepEqual(new Set(senders.map((sender) => sender.id)), new Set([one!.id, two!.id, three!.id]));
});

test("the ledger has the outcome of each item", async () => {
  const [sender] = await enter(1);
  const { operationId } = await client.senderPools.create({ senders: [sender!.id, { senderId: NOBODY }] });
  const operation = await client.senderPools.wait(operationId);
  assert.deepEqual(operation.stats, { total: 3, queued: 0, created: 2, failed: 1 });
  assert.deepEqual(await client.senderPools.fetchOperation(operationId), operation);
  const { items } = await client.ledger.listItems(operationId, { outcome: "FAILED" });
  assert.deepEqual([items.length, items[0]?.index, items[0]?.senderId, items[0]?.code], [1, 2, NOBODY, 20404]);
  await assert.rejects(client.ledger.cancel(operationId), Conflict);
});

test("resolve returns the senders that reach a person, best first", async () => {
  await client.inventory.enter([{ channel: "WHATSAPP", address: "+12025550100", displayName: "Support" }]);
  const to = { address: "+12025550199", channel: "WHATSAPP" as const };
  const { results } = await client.senders.resolve({
    recipientAddresses: [to],
    senderAddresses: [{ address: "+12025550100", channel: "WHATSAPP" }],
    channels: { filterIn: ["WHATSAPP"], priority: [{ channel: "WHATSAPP", priority: 1 }] },
  });
  assert.deepEqual(results.map(({ from, to, priority }) => [from.displayName, to, priority]), [["Support", to, 0]]);
});

test("templates are put, listed, fetched and deleted", async () => {
  const contentId = `HX${"0".repeat(32)}`;
  const content = { text: "Hello {{ name }}" };
  const made = await client.templates.create({ name: "First", content, defaults: { name: "you" } });
  const put = await client.templates.put(contentId, { name: "Second", content });
  assert.deepEqual([put.name, put.content, put.defaults], ["Second", content, {}]);
  const { templates } = await client.templates.list();
  assert.deepEqual(templates.map((one) => one.contentId), [contentId, made.contentId]);
  const fetched = await client.templates.fetch(contentId);
  assert.deepEqual([fetched, etagOf(fetched)], [put, etagOf(put)]);
  assert.equal(fetched.createdAt instanceof Date, true);
  await client.templates.put(contentId, { name: "Third", content }, { ifMatch: etagOf(put) });
  await assert.rejects(client.templates.delete(contentId, { ifMatch: etagOf(put) }), PreconditionFailed);
  assert.equal((await client.templates.delete(contentId)).resourceId, contentId);
  await assert.rejects(client.templates.fetch(contentId), NotFound);
});

test("pools and senders are found by name, and ids are named", async () => {
  const [one] = await enter(1, { displayName: "Searched Desk" });
  const id = await pool([one!], "Searched Pool");
  assert.deepEqual((await client.names.searchSenders({ text: "searched" })).senders, [one]);
  const { senderPools } = await client.names.searchSenderPools({ text: "SEARCHED" });
  assert.deepEqual(senderPools.map((each) => [each.id, each.createdAt instanceof Date]), [[id, true]]);
  const names = await client.names.name([id, one!.id, NOBODY]);
  assert.deepEqual(names.senderPools, [
    { id, name: "Searched Pool", senders: 1, channels: [{ channel: "PUSH", count: 1 }] },
  ]);
  assert.deepEqual(names.senders.map(({ displayName, senderPools }) => [displayName, senderPools]), [
    ["Searched Desk", [{ id, name: "Searched Pool" }]],
  ]);
  assert.deepEqual(names.operations, []);
});

test("totals are those of the lists, and a worker is seen", async () => {
  const [one] = await enter(1);
  const id = await pool([one!], "Counted");
  assert.deepEqual(await client.totals.sendersOfPool(id, { channel: "PUSH" }), { count: 1, more: false });
  assert.deepEqual(await client.totals.sendersOfPool(id, { status: "DEACTIVATED" }), { count: 0, more: false });
  const since = { startDate: new Date(0) };
  for (const total of [client.totals.senders(since), client.totals.senderPools(since), client.totals.operations(since)]) {
    assert.ok((await total).count >= 1);
  }
  assert.deepEqual(await client.workers.fetch(), { running: true });
});
