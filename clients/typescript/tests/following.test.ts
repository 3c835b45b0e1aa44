/** Waiting for an operation and watching it. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { NotFound, type Operation, OperationTimeout, Signalbox } from "signalbox-client";
import { ACCOUNT, startProxy, type Server, serve } from "./server.js";

const UNKNOWN = "comms_operation_01h2xcejqtf2nbrexx3vqjhp41";
/** A server without workers: its operations do not progress. */
let idle: Server;
let server: Server;
let client: Signalbox;
let idleClient: Signalbox;

before(async () => {
  [server, idle] = await Promise.all([serve(), serve({ SIGNALBOX_WORKERS: "0" })]);
  client = new Signalbox({ ...ACCOUNT, url: server.url });
  idleClient = new Signalbox({ ...ACCOUNT, url: idle.url });
});
after(() => Promise.all([server.stop(), idle.stop()]));

/** Ids of senders that no account has. */
function strangers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `comms_sender_01h2xcejqtf2nbrexx${String(n).padStart(8, "0")}`);
}

async function states(watched: AsyncIterable<Operation>): Promise<Operation[]> {
  const seen: Operation[] = [];
  for await (const operation of watched) seen.push(operation);
  return seen;
}

test("wait returns the final operation", async () => {
  const { operationId } = await client.senderPools.create({ senders: strangers(3000) });
  const operation = await client.senderPools.wait(operationId);
  assert.deepEqual([operation.status, operation.stats.failed], ["COMPLETED", 3000]);
});

test("wait ends at its timeout, and the error has the last known state of the operation", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const start = Date.now();
  const error: unknown = await idleClient.senderPools.wait(operationId, { timeoutInSeconds: 1.5 }).catch((e) => e);
  assert.ok(error instanceof OperationTimeout);
  assert.deepEqual([error.operation.id, error.operation.status], [operationId, "PROCESSING"]);
  assert.deepEqual(error.operation.stats, { total: 3, queued: 2, created: 1, failed: 0 });
  assert.ok(Date.now() - start >= 1500 && Date.now() - start < 5000);
});

test("fetching with a wait responds when the time has passed", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const start = Date.now();
  const operation = await idleClient.senderPools.fetchOperation(operationId, { waitInSeconds: 1 });
  assert.equal(operation.status, "PROCESSING");
  assert.ok(Date.now() - start >= 950);
});

test("cancel stops an operation, and a wait for it ends", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const waiting = idleClient.senderPools.wait(operationId);
  assert.equal((await idleClient.ledger.cancel(operationId)).resourceId, operationId);
  assert.equal((await waiting).status, "CANCELED");
});

test("watch shows the current state, each change and the end", async () => {
  const { operationId } = await client.senderPools.create({ senders: strangers(10_000) });
  const seen = await states(client.senderPools.watch(operationId));
  assert.ok(seen.length >= 1);
  assert.equal(seen.at(-1)?.status, "COMPLETED");
  assert.ok(seen.slice(0, -1).every(({ status }) => status === "PROCESSING"));
  assert.ok(seen.every(({ stats }) => stats.total === stats.queued + stats.created + stats.failed));
  assert.equal(new Set(seen.map((one) => JSON.stringify(one))).size, seen.length);
  assert.ok(seen[0]?.updatedAt instanceof Date);
});

test("leaving the loop closes the stream", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const proxy = await startProxy(idle.url);
  const watcher = new Signalbox({ ...ACCOUNT, url: proxy.url });
  for await (const operation of watcher.senderPools.watch(operationId)) {
    assert.equal(operation.status, "PROCESSING");
    break;
  }
  await proxy.close();
});

test("a stream that breaks is opened again, without showing a state twice", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const proxy = await startProxy(idle.url, ["lose the request", "pass", "cut the response"]);
  const watcher = new Signalbox({ ...ACCOUNT, url: proxy.url });
  const seen: Operation[] = [];
  for await (const operation of watcher.senderPools.watch(operationId)) {
    seen.push(operation);
    // Request 3 is the stream that was cut, 4 polls, 5 is the next stream: only then is the operation canceled.
    if (seen.length === 1) {
      const opened = async (): Promise<void> => {
        while (proxy.requests.length < 5) await new Promise(setImmediate);
        await idleClient.ledger.cancel(operationId);
      };
      void opened();
    }
  }
  assert.deepEqual(seen.map(({ status }) => status), ["PROCESSING", "CANCELED"]);
  const streams = proxy.requests.map(({ headers }) => headers.accept === "text/event-stream");
  assert.deepEqual(streams.slice(0, 5), [true, false, true, false, true]);
  await proxy.close();
});

test("where streams do not work, watch polls", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const held = { status: 200, headers: { "Content-Type": "text/event-stream" }, body: "" };
  const proxy = await startProxy(idle.url, [held, "pass", held, "pass", held, "pass"]);
  const watcher = new Signalbox({ ...ACCOUNT, url: proxy.url });
  const statuses: string[] = [];
  for await (const { status } of watcher.senderPools.watch(operationId)) {
    statuses.push(status);
    const asking = async (): Promise<void> => {
      while (proxy.requests.length < 7) await new Promise(setImmediate);
      await idleClient.ledger.cancel(operationId);
    };
    if (status === "PROCESSING") void asking();
  }
  assert.deepEqual(statuses, ["PROCESSING", "CANCELED"]);
  assert.equal(proxy.requests.filter(({ headers }) => headers.accept === "text/event-stream").length, 3);
  await proxy.close();
});

test("wait and watch continue when the server is restarted", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-"));
  const database = `sqlite:///${folder}/signalbox.db`;
  const first = await serve({ SIGNALBOX_WORKERS: "0" }, database);
  const port = Number(new URL(first.url).port);
  const client = new Signalbox({ ...ACCOUNT, url: first.url });
  const { operationId } = await client.senderPools.create({ senders: strangers(2) });
  const watched = client.senderPools.watch(operationId);
  assert.equal((await watched.next()).value?.status, "PROCESSING");
  const waiting = client.senderPools.wait(operationId);
  const rest = states(watched);
  await first.stop();
  const second = await serve({}, database, port);
  assert.equal((await waiting).status, "COMPLETED");
  assert.equal((await rest).at(-1)?.status, "COMPLETED");
  await second.stop();
  await rm(folder, { recursive: true });
});

test("an unknown operation is an error at once", async () => {
  await assert.rejects(client.senderPools.wait(UNKNOWN), NotFound);
  await assert.rejects(states(client.senderPools.watch(UNKNOWN)), NotFound);
});

test("watching ends at the caller's signal", async () => {
  const { operationId } = await idleClient.senderPools.create({ senders: strangers(2) });
  const controller = new AbortController();
  const reason = new Error("enough");
  const watched = idleClient.senderPools.watch(operationId, { abortSignal: controller.signal });
  await watched.next();
  controller.abort(reason);
  await assert.rejects(watched.next(), reason);
});
