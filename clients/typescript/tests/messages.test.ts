/** Messages and the inbox, on a real server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Conflict, etagOf, IdempotencyMismatch, NotFound, OperationTimeout, Signalbox } from "signalbox-client";
import { ACCOUNT, type Server, serve, startProxy } from "./server.js";

const TEXT = { text: "Your code is 123456: https://example.com/in" };
let server: Server;
let client: Signalbox;

before(async () => {
  server = await serve();
  client = new Signalbox({ ...ACCOUNT, url: server.url });
  await client.inventory.enter([{ channel: "SMS", address: "+12025550100" }]);
});
after(() => server.stop());

/** A number that no other test uses. */
let used = 0;
const phone = (): string => `+1415555${String((used += 1) + 1000)}`;
const to = (...addresses: string[]) => addresses.map((address) => ({ address, channel: "PHONE" as const }));
const tomorrow = (): Date => new Date(Date.now() + 86_400_000);

async function sent(...addresses: string[]): Promise<string> {
  const { operationId } = await client.messages.send({ to: to(...addresses), content: TEXT });
  await client.messages.wait(operationId);
  return operationId;
}

test("a message is sent and found everywhere", async () => {
  const [ada, bob] = [phone(), phone()];
  const operationId = await sent(ada, bob);
  const operation = await client.messages.fetchOperation(operationId, { waitInSeconds: 1 });
  assert.deepEqual([operation.status, operation.stats.total, operation.stats.delivered], ["COMPLETED", 2, 2]);
  const { operations } = await client.messages.listOperations({ status: "COMPLETED", pageSize: 1 });
  assert.deepEqual(operations, [operation]);
  const found = [];
  for await (const message of client.messages.list({ operationId, pageSize: 1 })) found.push(message);
  assert.deepEqual(new Set(found.map((message) => message.to[0]?.address)), new Set([ada, bob]));
  const message = await client.messages.fetch(found[0]!.id);
  assert.deepEqual(message.content, TEXT);
  assert.deepEqual([message.scheduledFor, message.deletedAt], [null, null]);
  assert.ok(etagOf(message));
  const [attempt] = message.attempts;
  assert.ok(attempt?.attemptedAt instanceof Date && attempt.createdAt instanceof Date);
  assert.deepEqual(await client.messages.seek(attempt.id), message);
  const { receipts } = await client.messages.listReceipts(message.id);
  assert.equal(receipts.at(-1)?.status, "DELIVERED");
  assert.ok(receipts[0]?.createdAt instanceof Date);
});

test("messages are filtered by all their tags", async () => {
  const tags = { region: "EMEA", campaign: "spring" };
  const { operationId } = await client.messages.send({ to: to(phone()), content: TEXT, tags });
  await client.messages.wait(operationId);
  const { messages } = await client.messages.list({ tags, channel: "SMS", startDate: new Date(0) });
  assert.deepEqual(messages.map((message) => message.tags), [tags]);
  assert.deepEqual((await client.messages.list({ tags: { region: "APAC" } })).messages, []);
});

test("the errors of an operation name the message and the reason", async () => {
  const operationId = await sent("+15005550002");
  const { errors } = await client.messages.listErrors(operationId);
  assert.deepEqual(errors.map(({ to, code }) => [to.address, code]), [["+15005550002", 21612]]);
  assert.equal((await client.messages.fetch(errors[0]!.messageId)).status, "FAILED");
});

test("scheduled messages are canceled", async () => {
  const schedule = { sendAt: [tomorrow()] };
  const { operationId } = await client.messages.send({ to: to(phone(), phone()), content: TEXT, schedule });
  const late = (error: unknown): boolean => error instanceof OperationTimeout && error.operation.status === "SCHEDULED";
  await assert.rejects(client.messages.wait(operationId, { timeoutInSeconds: 0.1 }), late);
  const { messages } = await client.messages.list({ operationId });
  assert.equal(messages[0]?.scheduledFor?.getTime(), schedule.sendAt[0]?.getTime());
  assert.equal((await client.messages.cancel(messages[0]!.id)).resourceId, messages[0]!.id);
  assert.equal((await client.messages.cancelOperation(operationId)).resourceId, operationId);
  const { status, stats } = await client.messages.wait(operationId);
  assert.deepEqual([status, stats.canceled], ["CANCELED", 2]);
  await assert.rejects(client.messages.cancel(messages[0]!.id), Conflict);
  await assert.rejects(client.messages.cancelOperation(operationId), Conflict);
});

test("a response that is lost does not send twice", async () => {
  const proxy = await startProxy(server.url, ["lose the response"]);
  try {
    const ada = phone();
    const behind = new Signalbox({ ...ACCOUNT, url: proxy.url });
    const { operationId } = await behind.messages.send({ to: to(ada), content: TEXT });
    await client.messages.wait(operationId);
    assert.equal(proxy.requests.length, 2);
    assert.equal((await client.inbox.list({ to: ada })).items.length, 1);
    const idempotencyKey = "order-1";
    const first = await client.messages.send({ to: to(ada), content: TEXT }, { idempotencyKey });
    assert.deepEqual(await client.messages.send({ to: to(ada), content: TEXT }, { idempotencyKey }), first);
    await assert.rejects(client.messages.send({ to: to(phone()), content: TEXT }, { idempotencyKey }), IdempotencyMismatch);
  } finally {
    await proxy.close();
  }
});

test("the inbox has what arrived, and waits for it", async () => {
  const ada = phone();
  const waiting = client.inbox.wait({ to: ada, contains: "CODE", waitInSeconds: 30 });
  await client.messages.send({ to: to(ada), content: TEXT });
  const item = (await waiting)!;
  assert.deepEqual([item.codes, item.links, item.segments], [["123456"], ["https://example.com/in"], { encoding: "GSM-7", count: 1 }]);
  assert.ok(item.receivedAt instanceof Date);
  assert.deepEqual(await client.inbox.fetch(item.id), item);
  assert.deepEqual((await client.inbox.list({ to: ada })).items, [item]);
  assert.deepEqual(await client.inbox.wait({ messageId: item.id }), item);
  // Longer than the timeout of the call, which is for the response and not for the wait.
  const began = Date.now();
  const short = { timeoutInSeconds: 1, maxRetries: 0 };
  assert.equal(await client.inbox.wait({ to: ada, after: item.id, waitInSeconds: 2 }, short), null);
  assert.ok(Date.now() - began >= 2000);
  assert.equal(await client.inbox.wait({ to: ada, after: item.receivedAt, waitInSeconds: 1 }), null);
  for (const waitInSeconds of [0, 61, 1.5, Number.NaN]) await assert.rejects(client.inbox.wait({ waitInSeconds }), TypeError);
});

test("a phone reports and replies, and the inbox is emptied", async () => {
  const ada = phone();
  await sent(ada);
  const item = (await client.inbox.wait({ to: ada }))!;
  await client.inbox.report(item.id, { status: "READ" });
  assert.equal((await client.messages.fetch(item.id)).status, "READ");
  await client.inbox.report(item.id, { status: "UNDELIVERED", code: 30005 });
  assert.equal((await client.messages.listReceipts(item.id)).receipts.at(-1)?.code, 30005);
  await client.inbox.reply(item.id, { text: "hello" });
  const { messages } = await client.messages.list({ status: "INBOUND" });
  assert.deepEqual([messages[0]?.from?.address, messages[0]?.to[0]?.address], [ada, item.from.address]);
  await client.inbox.clear();
  assert.deepEqual((await client.inbox.list()).items, []);
  assert.equal((await client.messages.fetch(item.id)).id, item.id);
});

test("what does not exist is not found", async () => {
  const id = "comms_message_00000000000000000000000000";
  await assert.rejects(client.messages.fetch(id), NotFound);
  await assert.rejects(client.messages.cancel(id), NotFound);
  await assert.rejects(client.messages.seek(`SM${"0".repeat(32)}`), NotFound);
  await assert.rejects(client.messages.wait("comms_operation_00000000000000000000000000"), NotFound);
  await assert.rejects(client.inbox.fetch(id), NotFound);
  await assert.rejects(client.inbox.report(id, { status: "READ" }), NotFound);
  await assert.rejects(client.inbox.reply(id, { text: "hello" }), NotFound);
});
