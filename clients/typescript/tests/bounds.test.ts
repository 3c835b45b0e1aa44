/** What the other side sends is bounded; arguments that no request can be made of fail at once. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ApiError,
  Signalbox,
  SignalboxError,
  type SignalboxOptions,
  TooMany,
  UnexpectedAnswer,
} from "signalbox-client";
import { ACCOUNT } from "./server.js";

const TIME = "2026-01-01T00:00:00.000Z";
const OPERATION = JSON.stringify({
  ...{ id: "x", status: "COMPLETED", stats: { total: 1, queued: 0, created: 1, failed: 0 } },
  ...{ createdAt: TIME, updatedAt: TIME },
});

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

/** A client whose requests get these responses, in order, and what it sent. */
function client(responses: Response[], options: SignalboxOptions = {}): { client: Signalbox; sent: Sent[] } {
  const sent: Sent[] = [];
  const respond = (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    sent.push({ url: String(url), init });
    return Promise.resolve(responses.shift() ?? new Response(OPERATION));
  };
  return { client: new Signalbox({ ...ACCOUNT, url: "http://host", fetch: respond, ...options }), sent };
}

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error,
  );
}

test("no Retry-After is longer than a day, and none makes a retry come at once", async () => {
  const absurd = ["9".repeat(400), "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "2147484"];
  for (const value of [...absurd, "Mon, 01 Jan 0001 00:00:00 GMT", "-1", "NaN", "1e9", "1.5", ""]) {
    const response = new Response("", { status: 429, headers: { "Retry-After": value } });
    const { client: one, sent } = client([response], { maxRetries: absurd.includes(value) ? 3 : 0 });
    const error = await failure(one.senders.fetch("x"));
    assert.ok(error instanceof TooMany, value);
    assert.ok(error.retryAfter === null || (error.retryAfter >= 0 && error.retryAfter <= 86_400), value);
    assert.equal(sent.length, 1, value);
  }
});

test("a token may have any characters, and white space around it is ignored", async () => {
  for (const authToken of ["日本語-token", "paß:wort", "😀\n"]) {
    const { client: one, sent } = client([], { authToken: ` ${authToken}`, accountSid: "AC1\r\n" });
    await one.senderPools.fetchOperation("x");
    const header = new Headers(sent[0]!.init.headers).get("authorization")!;
    const bytes = Uint8Array.from(atob(header.slice("Basic ".length)), (one) => one.charCodeAt(0));
    assert.equal(new TextDecoder().decode(bytes), `AC1:${authToken.trim()}`);
  }
});

test("arguments that no request can be made of are a TypeError, without a request", async () => {
  const { client: one, sent } = client([]);
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  const wrong: (() => PromiseLike<unknown>)[] = [
    async () => one.senders.fetch("\ud800"),
    async () => one.inventory.delete("x", { ifMatch: "日本" }),
    async () => one.senderPools.create({}, { idempotencyKey: "日本" }),
    async () => one.senderPools.create({ name: loop as unknown as string }),
    async () => one.senderPools.create({ name: 1n as unknown as string }),
    async () => one.senders.list({ startDate: new Date(Number.NaN) }),
    async () => one.senders.fetch("x", { timeoutInSeconds: Number.NaN }),
    async () => one.senderPools.wait("x", { timeoutInSeconds: Number.NaN }),
    async () => one.senderPools.fetchOperation("x", { waitInSeconds: Number.NaN }),
  ];
  for (const [number, call] of wrong.entries()) {
    assert.ok((await failure(call())) instanceof TypeError, String(number));
  }
  assert.equal(sent.length, 0);
});

test("a timeout may be longer than the timers of the runtime", async () => {
  for (const timeoutInSeconds of [1e12, Infinity]) {
    const { client: one } = client([], { timeoutInSeconds });
    assert.equal((await one.senderPools.fetchOperation("x")).id, "x");
  }
});

test("a response that is none of this API is an UnexpectedAnswer, whatever its JSON is", async () => {
  const page = (next: unknown): string => JSON.stringify({ senders: [], pagination: { next, self: "x" } });
  const bodies = ["null", "7", "[]", "{}", '"x"', "{", "", `{"senders": 7}`, page(undefined), page(7), page("t".repeat(9000))];
  for (const body of [...bodies, '{"senders": [null], "pagination": {"next": null}}', "[".repeat(100_000)]) {
    const calls: ((one: Signalbox) => PromiseLike<unknown>)[] = [
      (one) => one.senders.list(),
      (one) => one.senders.search({ address: "a", channel: "SMS" }),
      (one) => one.senderPools.create(),
      (one) => one.senderPools.delete("x"),
      (one) => one.inventory.enter([]),
      (one) => one.senders.resolve({ recipientAddresses: [] }),
      (one) => one.senders.fetch("x"),
    ];
    for (const call of calls) {
      const error = await failure(call(client([new Response(body)]).client));
      assert.ok(error instanceof UnexpectedAnswer, `${body.slice(0, 50)}: ${String(error)}`);
    }
    const refused = await failure(client([new Response(body, { status: 400 })]).client.senders.fetch("x"));
    assert.ok(refused instanceof ApiError && refused.code === null);
  }
});

test("a list whose next page is the same page ends", async () => {
  const same = (): Response => new Response('{"senders": [], "pagination": {"next": "t", "self": "t"}}');
  const { client: one, sent } = client([same(), same(), same()]);
  const walk = async (): Promise<void> => {
    for await (const _ of one.senders.list()) assert.fail("there are no senders");
  };
  assert.ok((await failure(walk())) instanceof UnexpectedAnswer);
  assert.equal(sent.length, 2);
});

test("a response without an end is not kept", async () => {
  let made = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      made += 1;
      controller.enqueue(new Uint8Array(2 ** 20).fill(32));
    },
  });
  const error = await failure(client([new Response(endless)]).client.senders.fetch("x"));
  assert.ok(error instanceof SignalboxError && /larger than 64 MiB/.test(error.message));
  assert.ok(made < 70);
});

test("watch fetches instead of reading a stream without bounds, or one of another program", async () => {
  const headers = { "Content-Type": "text/event-stream" };
  const garbage = ["x".repeat(2 ** 20 + 1), "data: x\n".repeat(2 ** 18), "data: {\n\n", "data: null\n\n"];
  for (const text of [...garbage, `data: ${"[".repeat(9999)}\n\n`]) {
    const { client: one, sent } = client([new Response(text, { headers })]);
    const states: string[] = [];
    for await (const { status } of one.senderPools.watch("x")) states.push(status);
    assert.deepEqual(states, ["COMPLETED"]);
    assert.equal(sent.length, 2);
  }
});
