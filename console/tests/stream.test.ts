/** Event streams: how their text is read, and how they are followed over a server that ends, breaks, refuses and is silent. */
import "./page.ts";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, mock, test } from "node:test";
import type { Failure } from "../src/api.ts";
import { current, signIn } from "../src/session.ts";
import { events, follow, type StreamState } from "../src/stream.ts";
import { type Arrived, clock, event, forget, next, show, settled, until, waiting } from "./page.ts";

const SID = "AC0123456789abcdef0123456789abcdef";

type Event = [name: string, data: string, id: string | undefined];

/** The events of a stream that comes in these pieces. */
function read(...pieces: string[]): Event[] {
  const told: Event[] = [];
  const take = events((...one) => told.push(one));
  for (const piece of pieces) take(piece);
  return told;
}

test("an event is told when the blank line after it is there", () => {
  assert.deepEqual(read("event: a\ndata: 1\n"), []);
  assert.deepEqual(read("event: a\ndata: 1\n\n"), [["a", "1", undefined]]);
  assert.deepEqual(read("data: 1\n\n\n\ndata: 2\n\ndata: cut o"), [["message", "1", undefined], ["message", "2", undefined]]);
});

test("one space after the colon is not part of a value", () => {
  assert.deepEqual(read("event:a\ndata:  two \nid: 7\n\n"), [["a", " two ", "7"]]);
});

test("several lines of data are one text, and a field without a colon is empty", () => {
  assert.deepEqual(read("data: a\ndata\ndata:\ndata: b\n\n"), [["message", "a\n\n\nb", undefined]]);
});

test("the last of several names and ids holds, and an empty name is none", () => {
  assert.deepEqual(read("event: a\nid: 1\nevent: b\nid: 2\ndata: x\n\n"), [["b", "x", "2"]]);
  assert.deepEqual(read("event:\nid:\ndata: x\n\n"), [["message", "x", ""]]);
});

test("comments, unknown fields and events without data tell nothing", () => {
  assert.deepEqual(read(": still here\n\n", "retry: 10\ndatum: 1\n data: 2\n\n", "event: a\n\n", ":\n: data: 3\n\n"), []);
});

test("lines end with LF, CRLF or CR, wherever the text is cut", () => {
  const lines = ["event: a", "data: 1", "data: 2", "", ": b", "", "data: é👍", "", ""];
  const wanted = [["a", "1\n2", undefined], ["message", "é👍", undefined]];
  for (const end of ["\n", "\r\n", "\r"]) {
    // A CR at the end of what has come may be half of a CRLF: the next piece tells.
    const text = lines.join(end) + ":";
    assert.deepEqual(read(...text), wanted, JSON.stringify(end));
    for (let at = 0; at <= text.length; at += 1) assert.deepEqual(read(text.slice(0, at), text.slice(at)), wanted);
  }
});

/** Somebody who follows one stream. */
class Reader {
  readonly events: [string, string][] = [];
  readonly states: StreamState[] = [];
  readonly failures: Failure[] = [];
  readonly leaving = new AbortController();
  readonly done: Promise<void>;
  final = false;

  constructor(path = "/v1/things") {
    const listener = {
      event: (name: string, data: string) => void this.events.push([name, data]),
      state: (state: StreamState) => void this.states.push(state),
      failure: (failure: Failure) => void this.failures.push(failure),
    };
    readers.push(this);
    this.done = follow({ path }, listener, () => this.final, this.leaving.signal);
  }

  async told(count: number): Promise<void> {
    await until(() => this.events.length === count, `${count} events`);
  }

  async is(state: StreamState): Promise<void> {
    await until(() => this.states.at(-1) === state, `a stream that is ${state}`);
  }
}

let readers: Reader[] = [];

/** The next request, with the head of a stream as its response. */
async function opened(): Promise<Arrived> {
  const one = await next();
  one.response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  return one;
}

function refuse({ response }: Arrived, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end(JSON.stringify({ code: 20000 + status, message: "no" }));
}

/** Lets time pass until the next request is there; the milliseconds that it took. */
async function waitedFor(most: number): Promise<number> {
  for (let passed = 0; passed <= most; passed += 250) {
    if ((await waiting()) > 0) return passed;
    clock.pass(250);
  }
  throw new Error(`no request within ${most} ms`);
}

beforeEach(() => {
  signIn({ sid: SID, secret: "secret" });
  mock.method(Math, "random", () => 0.5);
});

afterEach(async () => {
  for (const reader of readers) reader.leaving.abort();
  await Promise.all(readers.map((reader) => reader.done));
  readers = [];
  mock.restoreAll();
  show(true);
  await forget();
});

test("a stream is asked for as one, with the credentials of the session", async () => {
  const reader = new Reader("/v1/things");
  const { request } = await opened();
  assert.equal(request.url, "/v1/things");
  assert.equal(request.headers.accept, "text/event-stream");
  assert.equal(request.headers.authorization, `Basic ${btoa(`${SID}:secret`)}`);
  assert.equal(request.headers["last-event-id"], undefined);
  await reader.is("live");
});

test("characters that come in pieces are put together", async () => {
  const reader = new Reader();
  const { response } = await opened();
  const bytes = Buffer.from("event: é\r\ndata: 漢👍\r\n\r\n");
  for (const [at] of bytes.entries()) {
    response.write(bytes.subarray(at, at + 1));
    await settled();
  }
  await reader.told(1);
  assert.deepEqual(reader.events, [["é", "漢👍"]]);
});

test("a stream that breaks is opened again at once, after the last id that came", async () => {
  const reader = new Reader();
  let one = await opened();
  one.response.write("id: 7\ndata: a\n\ndata: b\n\nid: 8\ndata: cut of");
  await reader.told(2);
  one.response.destroy();
  one = await opened();
  assert.equal(one.request.headers["last-event-id"], "7");
  await until(() => reader.states.length === 3, "three states");
  assert.deepEqual(reader.states, ["live", "broken", "live"]);
  one.response.end("id:\ndata: f\n\n");
  await reader.told(3);
  one = await opened();
  assert.equal(one.request.headers["last-event-id"], undefined);
  assert.deepEqual(reader.events.map(([, data]) => data), ["a", "b", "f"]);
  assert.deepEqual(reader.failures, []);
});

test("a stream that ends is not opened again when it may end", async () => {
  const reader = new Reader();
  const { response } = await opened();
  response.write("data: last\n\n");
  await reader.told(1);
  reader.final = true;
  response.end();
  await reader.done;
  assert.deepEqual(reader.states, ["live"]);
});

test("a server that ends every stream is asked less and less often, until an event comes", async () => {
  const reader = new Reader();
  const waits: number[] = [];
  for (let time = 0; time < 7; time += 1) {
    waits.push(await waitedFor(20_000));
    (await opened()).response.end(": nothing\n\n");
  }
  waits.push(await waitedFor(20_000));
  assert.deepEqual(waits, [0, 0, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  const { response } = await opened();
  response.write("data: x\n\n");
  await reader.told(1);
  response.end();
  assert.equal(await waitedFor(0), 0);
});

test("waiting for a server leaves no listeners behind", async () => {
  const reader = new Reader();
  const counts: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    await waitedFor(20_000);
    counts.push(getEventListeners(reader.leaving.signal, "abort").length);
    (await opened()).response.end();
  }
  assert.deepEqual(counts, Array(4).fill(counts[0]));
});

test("a browser that is online again does not wait any longer", async () => {
  new Reader();
  (await opened()).response.destroy();
  (await opened()).response.destroy();
  await settled();
  assert.equal(await waiting(), 0);
  dispatchEvent(event("online"));
  await opened();
});

test("a server that cannot do it now is told of and asked again after the time that it names", async () => {
  const reader = new Reader();
  refuse(await next(), 503, { "retry-after": "7" });
  assert.equal(await waitedFor(20_000), 7000);
  refuse(await next(), 429);
  assert.equal(await waitedFor(20_000), 1000);
  assert.deepEqual(reader.failures.map((one) => one.status), [503, 429]);
  assert.deepEqual(reader.states, ["broken", "broken"]);
});

test("a refusal ends it", async () => {
  const reader = new Reader();
  refuse(await next(), 404);
  await reader.done;
  assert.deepEqual(reader.failures.map((one) => [one.status, one.code]), [[404, 20404]]);
  assert.equal(current()?.sid, SID);
});

test("credentials that are refused end the session", async () => {
  const reader = new Reader();
  refuse(await next(), 401);
  await reader.done;
  assert.deepEqual(reader.failures.map((one) => one.status), [401]);
  assert.equal(current(), null);
});

test("a stream that is silent for 40 seconds is opened again, and a comment is not silence", async () => {
  const reader = new Reader();
  const { response } = await opened();
  await reader.is("live");
  clock.pass(39_000);
  response.write(": still here\n\n");
  await settled();
  clock.pass(39_000);
  assert.equal(await waiting(), 0);
  clock.pass(1000);
  await opened();
  await until(() => response.closed, "the end of the silent one");
});

test("who leaves closes the stream and hears nothing more", async () => {
  const reader = new Reader();
  const { response } = await opened();
  await reader.is("live");
  reader.leaving.abort();
  await reader.done;
  await until(() => response.closed, "the end of the connection");
  assert.deepEqual([reader.states, reader.failures], [["live"], []]);
});

test("who leaves during a pause does not wait for its end", async () => {
  const reader = new Reader();
  (await opened()).response.destroy();
  (await opened()).response.destroy();
  await settled();
  reader.leaving.abort();
  await reader.done;
});

test("two streams are open at a time, and the next begins when one ends", async () => {
  const [first] = [1, 2, 3, 4].map((number) => new Reader(`/v1/${number}`));
  const open = new Map([await opened(), await opened()].map((one) => [one.request.url, one.response]));
  assert.deepEqual([...open.keys()].sort(), ["/v1/1", "/v1/2"]);
  assert.equal(await waiting(), 0);
  first!.final = true;
  open.get("/v1/1")!.end();
  assert.equal((await opened()).request.url, "/v1/3");
  assert.equal(await waiting(), 0);
});

test("who leaves the queue opens no place for another", async () => {
  const all = [1, 2, 3, 4].map((number) => new Reader(`/v1/${number}`));
  await opened();
  await opened();
  all[2]!.leaving.abort();
  await all[2]!.done;
  assert.equal(await waiting(), 0);
});

test("a stream that broke gives its place to one that waits", async () => {
  for (const number of [1, 2, 3]) new Reader(`/v1/${number}`);
  const { response } = await opened();
  await opened();
  response.destroy();
  assert.equal((await opened()).request.url, "/v1/3");
  assert.equal(await waiting(), 0);
});

test("a stream that became needless while it waited for its place is not opened", async () => {
  const [first, , third] = [1, 2, 3].map((number) => new Reader(`/v1/${number}`));
  await opened();
  await opened();
  third!.final = true;
  first!.leaving.abort();
  await third!.done;
  assert.equal(await waiting(), 0);
});

test("a tab that is not visible has no streams open, and goes on at once when it is", async () => {
  const all = [1, 2, 3].map((number) => new Reader(`/v1/${number}`));
  for (let time = 0; time < 3; time += 1) {
    const open = [await opened(), await opened()];
    await until(() => all.filter((reader) => reader.states.at(-1) === "live").length >= 2, "two streams");
    show(false);
    await until(() => open.every((one) => one.response.closed), "the end of both");
    assert.equal(await waiting(), 0);
    clock.pass(60_000);
    assert.equal(await waiting(), 0);
    show(true);
  }
  await opened();
  await opened();
  assert.deepEqual(all.map((reader) => reader.failures), [[], [], []]);
  assert.equal(all.some((reader) => reader.states.includes("broken")), false);
});

test("a stream that is wanted in a tab that is not visible begins when it is", async () => {
  show(false);
  const reader = new Reader();
  assert.equal(await waiting(), 0);
  show(true);
  await opened();
  await reader.is("live");
});
