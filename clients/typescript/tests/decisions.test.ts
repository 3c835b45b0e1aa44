/** Decisions, retries and opt-outs, on a real server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiError, Conflict, IdempotencyMismatch, NotFound, Signalbox } from "signalbox-client";
import { ACCOUNT, type Server, serve, startProxy } from "./server.js";

const TEXT = { text: "hello" };
const REFUSED = "+15005550003";
let server: Server;
let client: Signalbox;
let sender: string;

before(async () => {
  server = await serve();
  client = new Signalbox({ ...ACCOUNT, url: server.url });
  await client.inventory.enter([{ channel: "SMS", address: "+14155550100" }]);
  sender = (await client.senders.list()).senders[0]!.id;
});
after(() => server.stop());

/** A number that no other test uses. */
let used = 0;
const phone = (): string => `+1415555${String((used += 1) + 1000)}`;
const to = (...addresses: string[]) => addresses.map((address) => ({ address, channel: "PHONE" as const }));

async function sent(...addresses: string[]): Promise<string> {
  const { operationId } = await client.messages.send({ to: to(...addresses), content: TEXT });
  await client.messages.wait(operationId);
  return operationId;
}

test("a decision names the sender, and what put it there", async () => {
  const ada = phone();
  const operationId = await sent(ada);
  const { messages } = await client.messages.list({ operationId });
  const found = await client.messages.decision(messages[0]!.id);
  assert.deepEqual([found.messageId, found.senderPoolId, found.chosen], [messages[0]!.id, null, sender]);
  assert.deepEqual(found.recipient, { address: ada, channel: "PHONE" });
  const steps = { country: true, area: true, kept: false, weight: 1 };
  assert.deepEqual(found.candidates, [{ senderId: sender, address: "+14155550100", channel: "SMS", rank: 0, steps }]);
  assert.deepEqual([found.removed, found.removedCounts], [[], []]);
  const { attempts } = await client.messages.fetch(found.messageId);
  assert.deepEqual(found.at, attempts[0]!.attemptedAt);
});

test("explain says who would send, and sends nothing", async () => {
  const [ada, bob] = [phone(), phone()];
  const found = await client.messages.explain({ to: to(ada, bob), content: TEXT, from: { senderId: sender } });
  assert.deepEqual(found.results.map((one) => [one.recipient.address, one.chosen]), [[ada, sender], [bob, sender]]);
  assert.deepEqual(found.spread, [{ senderId: sender, share: 1 }]);
  assert.ok(found.eta instanceof Date && found.results[0]!.at instanceof Date);
  assert.deepEqual((await client.inbox.list({ to: ada })).items, []);
  const nobody = await client.messages.explain({ to: to("+15005550002"), content: TEXT });
  assert.deepEqual([nobody.eta, nobody.results[0]?.chosen], [null, null]);
  assert.deepEqual(nobody.results[0]?.removed, [{ senderId: sender, reason: "UNREACHABLE" }]);
});

test("a retry sends to those who were not reached", async () => {
  const operationId = await sent(phone(), REFUSED);
  const again = await client.messages.wait((await client.messages.retry(operationId)).operationId);
  assert.deepEqual([again.stats.total, again.stats.failed], [1, 1]);
  const { messages } = await client.messages.list({ operationId: again.id });
  assert.deepEqual(messages[0]?.related.map(({ name, id }) => [name, id]), [["OPERATION", again.id], ["RETRY_OF", operationId]]);
});

test("a conflict of a retry is not retried, and a lost response does not retry twice", async () => {
  const proxy = await startProxy(server.url, ["pass", "lose the response"]);
  try {
    const behind = new Signalbox({ ...ACCOUNT, url: proxy.url });
    const delivered = await sent(phone());
    await assert.rejects(behind.messages.retry(delivered), Conflict);
    assert.equal(proxy.requests.length, 1);
    const operationId = await sent(REFUSED);
    const started = await behind.messages.retry(operationId);
    await client.messages.wait(started.operationId);
    const [, first, second] = proxy.requests;
    assert.equal(proxy.requests.length, 3);
    assert.equal(first?.headers["idempotency-key"], second?.headers["idempotency-key"]);
    const { operations } = await client.messages.listOperations({ pageSize: 2 });
    assert.deepEqual(operations.map(({ id }) => id), [started.operationId, operationId]);
    const idempotencyKey = "again";
    const again = await client.messages.retry(operationId, { idempotencyKey });
    assert.deepEqual(await client.messages.retry(operationId, { idempotencyKey }), again);
    await assert.rejects(client.messages.retry(delivered, { idempotencyKey }), IdempotencyMismatch);
  } finally {
    await proxy.close();
  }
});

test("an opt-out is created, listed and deleted", async () => {
  const [ada, bob] = [phone(), phone()];
  const made = await client.optOuts.create({ address: ada, channel: "PHONE" });
  assert.deepEqual([made.address, made.channel, made.senderPoolId], [ada, "PHONE", null]);
  assert.ok(made.createdAt instanceof Date);
  assert.deepEqual(await client.optOuts.create({ address: ada, channel: "PHONE" }), made);
  const { operationId } = await client.senderPools.create({ name: "desk" });
  await client.senderPools.wait(operationId);
  const [pool] = (await client.senderPools.list({ operationId })).senderPools;
  const ofPool = await client.optOuts.create({ address: bob, channel: "WHATSAPP", senderPoolId: pool!.id });
  const found = [];
  for await (const one of client.optOuts.list({ pageSize: 1 })) found.push(one);
  assert.deepEqual(found, [ofPool, made]);
  assert.deepEqual((await client.optOuts.list({ address: ada, channel: "PHONE" })).optOuts, [made]);
  assert.deepEqual((await client.optOuts.list({ senderPoolId: pool!.id })).optOuts, [ofPool]);
  const { errors } = await client.messages.listErrors(await sent(ada));
  assert.deepEqual(errors.map(({ code }) => code), [21610]);
  assert.equal((await client.optOuts.delete(made.id)).resourceId, made.id);
  await assert.rejects(client.optOuts.delete(made.id), NotFound);
  const proxy = await startProxy(server.url, ["lose the response"]);
  try {
    const behind = new Signalbox({ ...ACCOUNT, url: proxy.url });
    const inDoubt = (error: unknown): boolean => error instanceof ApiError && error.status === 404 && error.inDoubt;
    await assert.rejects(behind.optOuts.delete(ofPool.id), inDoubt);
  } finally {
    await proxy.close();
  }
});

test("a person is forgotten", async () => {
  const ada = phone();
  await sent(ada);
  await client.optOuts.create({ address: ada, channel: "PHONE" });
  const other = { address: ada, channel: "WHATSAPP", optOuts: true } as const;
  assert.deepEqual(await client.recipients.forget(other), { keptSenders: 0, optOuts: 0 });
  assert.deepEqual(await client.recipients.forget({ address: ada }), { keptSenders: 1, optOuts: 0 });
  assert.deepEqual(await client.recipients.forget({ address: ada, optOuts: true }), { keptSenders: 0, optOuts: 1 });
});

test("what does not exist is not found", async () => {
  await assert.rejects(client.messages.decision("comms_message_00000000000000000000000000"), NotFound);
  await assert.rejects(client.messages.retry("comms_operation_00000000000000000000000000"), NotFound);
  await assert.rejects(client.optOuts.delete("comms_optout_00000000000000000000000000"), NotFound);
});
