/** Errors and retries. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ApiError,
  Bug,
  Conflict,
  ConnectionFailed,
  IdempotencyMismatch,
  Invalid,
  MissingCredentials,
  NotFound,
  Signalbox,
  SignalboxError,
  type SignalboxOptions,
  TooLarge,
  TooMany,
  TwilioClient,
  Unauthenticated,
  Unavailable,
  UnexpectedAnswer,
} from "signalbox-client";
import { ACCOUNT, type Fate, type TestProxy, startProxy, type Server, serve } from "./server.js";

const SENDER = "comms_sender_01h2xcejqtf2nbrexx3vqjhp41";
const proxies: TestProxy[] = [];
let server: Server;

before(async () => {
  server = await serve();
});
after(async () => {
  for (const one of proxies) await one.close();
  await server.stop();
});

/** A client behind a proxy with these fates, and the proxy. */
async function behindProxy(fates: Fate[], options: SignalboxOptions = {}): Promise<{ client: Signalbox; path: TestProxy }> {
  const path = await startProxy(server.url, fates);
  proxies.push(path);
  return { client: new Signalbox({ ...ACCOUNT, url: path.url, ...options }), path };
}

function refused(status: number, headers: Record<string, string> = {}): Fate {
  const errors = [{ code: 20000 + status, message: "no", field: null, context: null, infoUrl: "http://host/docs" }];
  return { status, headers, body: JSON.stringify({ code: 20000 + status, message: "no", status, errors }) };
}

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error,
  );
}

test("an error has class, code, message, every problem with its place, and the request id", async () => {
  const { client } = await behindProxy([]);
  const error = await failure(client.senderPools.create({ name: " ", tags: { team: "a b" } }));
  assert.ok(error instanceof Invalid && error instanceof ApiError && error instanceof SignalboxError);
  assert.deepEqual([error.name, error.status, error.code, error.retryAfter], ["Invalid", 400, 20001, null]);
  assert.match(error.message, /^2 problems in the request/);
  assert.deepEqual(error.problems.map(({ field }) => field), ["name", "tags.team"]);
  assert.equal(error.problems[0]?.context, "$.name");
  assert.match(error.problems[0].infoUrl, /\/docs\/errors#20001$/);
  assert.match(error.requestId!, /^RQ[0-9a-f]{32}$/);
});

test("each status has its class", async () => {
  const passing = { 502: Unavailable, 503: Unavailable, 504: Unavailable };
  const classes = { 404: NotFound, 409: Conflict, 413: TooLarge, 422: IdempotencyMismatch, 500: Bug, ...passing };
  for (const [status, kind] of Object.entries(classes)) {
    const { client } = await behindProxy([refused(Number(status))], { maxRetries: 0 });
    const error = await failure(client.senders.fetch(SENDER));
    assert.ok(error instanceof kind, status);
    assert.equal(error.code, 20000 + Number(status));
  }
  const { client } = await behindProxy([]);
  const stranger = new Signalbox({ accountSid: "AC", authToken: "x", url: server.url });
  assert.ok((await failure(stranger.senders.list())) instanceof Unauthenticated);
  assert.ok((await failure(client.senders.fetch(SENDER))) instanceof NotFound);
});

test("a response of another program is no error of the API", async () => {
  const page = { status: 200, headers: { "Content-Type": "text/html" }, body: "<html>" };
  const elsewhere = { status: 302, headers: { Location: "/" } };
  const { client } = await behindProxy([page, { status: 418, body: "<html>" }, elsewhere], { maxRetries: 0 });
  assert.ok((await failure(client.senders.list())) instanceof UnexpectedAnswer);
  const error = await failure(client.senders.list());
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.status, error.code, error.problems, error.requestId], [418, null, [], null]);
  assert.ok((await failure(client.senders.list())) instanceof ConnectionFailed);
});

test("429 and 503 are retried after the seconds of Retry-After", async () => {
  const { client, path } = await behindProxy([refused(429, { "Retry-After": "1" }), refused(503)]);
  const start = Date.now();
  await client.senders.list();
  assert.equal(path.requests.length, 3);
  assert.ok(Date.now() - start >= 1000);
});

test("the client waits for the rate limit of a real server", async () => {
  const limited = await serve({ SIGNALBOX_RATE_LIMIT: "2/2" });
  const client = new Signalbox({ ...ACCOUNT, url: limited.url });
  for (let n = 0; n < 4; n++) await client.senders.list();
  const impatient = new Signalbox({ ...ACCOUNT, url: limited.url, maxRetries: 0 });
  const all = await Promise.allSettled([1, 2, 3].map(() => impatient.senders.list()));
  const errors = all.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  assert.ok(errors.length >= 1);
  assert.ok(errors.every((error) => error instanceof TooMany && error.code === 20429 && error.retryAfter === 1));
  await limited.stop();
});

test("the last error is thrown when the retries are used up", async () => {
  const { client, path } = await behindProxy(Array(9).fill(refused(503)), { maxRetries: 2 });
  assert.ok((await failure(client.senders.list())) instanceof Unavailable);
  assert.equal(path.requests.length, 3);
});

test("a Retry-After beyond the timeout fails at once", async () => {
  const { client, path } = await behindProxy([refused(429, { "Retry-After": "3600" })]);
  const error = await failure(client.senders.list());
  assert.ok(error instanceof TooMany && error.retryAfter === 3600);
  assert.equal(path.requests.length, 1);
});

test("a POST that starts an operation is retried with the client's key, and starts it once", async () => {
  const fates: Fate[] = ["lose the response", "lose the request", refused(409), refused(503)];
  const { client, path } = await behindProxy(fates, { maxRetries: 4 });
  const { operationId } = await client.senderPools.create({ name: "Once" });
  const keys = new Set(path.requests.map(({ headers }) => headers["idempotency-key"]));
  assert.equal(path.requests.length, 5);
  assert.equal(keys.size, 1);
  assert.match([...keys][0] as string, /^"[0-9a-f]{32}"$/);
  const { senderPools } = await client.senderPools.list();
  assert.equal(senderPools.filter(({ name }) => name === "Once").length, 1);
  assert.equal((await client.senderPools.list({ operationId })).senderPools[0]?.name, "Once");
});

test("every call that starts an operation has its own key, or the caller's", async () => {
  const { client, path } = await behindProxy([]);
  await client.senderPools.create();
  await client.senderPools.create();
  const [one, two] = path.requests.map(({ headers }) => headers["idempotency-key"]);
  assert.notEqual(one, two);
  const idempotencyKey = 'my "own" \\ key';
  const first = await client.senderPools.create({ name: "Mine" }, { idempotencyKey });
  assert.deepEqual(await client.senderPools.create({ name: "Mine" }, { idempotencyKey }), first);
  const error = await failure(client.senderPools.create({ name: "Other" }, { idempotencyKey }));
  assert.ok(error instanceof IdempotencyMismatch);
});

test("a POST without a key is not retried after a failure that may have done something", async () => {
  for (const fate of [refused(503), "lose the request"] satisfies Fate[]) {
    const { client, path } = await behindProxy([fate]);
    await failure(client.inventory.enter([{ channel: "SMS", address: "+12025550100" }]));
    assert.equal(path.requests.length, 1);
  }
});

test("every POST is retried after 429, which comes before all work", async () => {
  const { client, path } = await behindProxy(Array(9).fill(refused(429)).flatMap((one: Fate) => [one, "pass"]));
  await client.inventory.enter([{ channel: "SMS", address: "+12025550100" }]);
  await client.senders.search({ address: "+12025550100", channel: "SMS" });
  await client.senders.resolve({ recipientAddresses: [{ address: "+12025550100", channel: "PHONE" }] });
  const { operationId } = await client.senderPools.create();
  assert.equal(path.requests.length, 8);
  await client.senderPools.wait(operationId);
  const error = await failure(client.ledger.cancel(operationId));
  assert.ok(error instanceof Conflict && !error.inDoubt);
});

test("a change that was retried says when it is in doubt", async () => {
  const { client } = await behindProxy([]);
  await client.senderPools.create({ name: "Short-lived" });
  const id = (await client.senderPools.list()).senderPools[0]!.id;
  const { client: unlucky } = await behindProxy(["lose the response"]);
  const error = await failure(unlucky.senderPools.delete(id));
  assert.ok(error instanceof NotFound && error.inDoubt);
  const plain = await failure(client.senderPools.delete(id));
  assert.ok(plain instanceof NotFound && !plain.inDoubt);
});

test("a read is retried when the connection breaks, and fails with its cause when no server listens", async () => {
  const { client, path } = await behindProxy(["lose the request", "cut the response"]);
  await client.senders.list();
  assert.equal(path.requests.length, 3);
  const nowhere = new Signalbox({ ...ACCOUNT, url: "http://127.0.0.1:9", maxRetries: 1 });
  const error = await failure(nowhere.senders.list());
  assert.ok(error instanceof ConnectionFailed && error.cause instanceof Error);
});

test("a channel or a status in small letters is refused by the server, and in capitals accepted", async () => {
  const client = new Signalbox({ ...ACCOUNT, url: server.url });
  const calls: Record<string, (word: string) => PromiseLike<unknown>> = {
    SMS: (word) => client.senders.list({ channel: word as "SMS" }),
    ACTIVATED: (word) => client.senders.list({ status: word as "ACTIVATED" }),
    EMAIL: (word) => client.senders.search({ address: "a@example.com", channel: word as "EMAIL" }),
    COMPLETED: (word) => client.senderPools.listOperations({ status: word as "COMPLETED" }),
    PHONE: (word) =>
      client.senders.resolve({ recipientAddresses: [{ channel: word as "PHONE", address: "+12025550123" }] }),
  };
  for (const [word, call] of Object.entries(calls)) {
    await call(word);
    const error = await failure(call(word.toLowerCase()));
    assert.ok(error instanceof Invalid && error.problems.length === 1, word);
    assert.ok(error.problems[0]?.message.includes(word), error.problems[0]?.message);
  }
});

test("a failed connection names the URL, the reason and what to do", async () => {
  const said = async (url: string): Promise<string> => {
    const client = new Signalbox({ ...ACCOUNT, url, maxRetries: 0 });
    const error = await failure(client.senders.list({ channel: "SMS" }));
    assert.ok(error instanceof ConnectionFailed);
    return error.message;
  };
  const ended = await startProxy(server.url);
  await ended.close();
  const { port } = new URL(ended.url);
  for (const host of ["127.0.0.1", "localhost"]) {
    const message = await said(`http://${host}:${port}/prefix`);
    assert.match(message, new RegExp(`^GET http://${host}:${port}/prefix/v1/Senders: no response: .*ECONNREFUSED`));
    assert.match(message, /; nothing listens there: start the server, or correct the URL \(SIGNALBOX_URL\)$/);
  }
  assert.match(await said("http://nowhere.invalid"), /; there is no such host: correct the URL \(SIGNALBOX_URL\)$/);
  assert.match(await said(server.url.replace("http", "https")), /; the URL of a server without TLS begins with http:$/);
  const { path } = await behindProxy(["lose the request"]);
  assert.match(await said(path.url), /; is the server running, and is the URL right \(SIGNALBOX_URL\)\?$/);
});

test("a call ends at its timeout", async () => {
  const silent = await startProxy("http://127.0.0.1:9");
  proxies.push(silent);
  const never: typeof fetch = (_, init) =>
    new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const client = new Signalbox({ ...ACCOUNT, url: silent.url, fetch: never, timeoutInSeconds: 0.2 });
  const error = await failure(client.senders.list());
  assert.ok(error instanceof ConnectionFailed);
  assert.match(error.message, /nothing came within 0.2 s/);
});

test("a call ends at the caller's signal, with its reason, also between two attempts", async () => {
  const { client, path } = await behindProxy([refused(503, { "Retry-After": "20" })]);
  const controller = new AbortController();
  const call = client.senders.list({}, { abortSignal: controller.signal }).then(() => assert.fail());
  while (!path.requests.length) await new Promise(setImmediate);
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assert.equal(await failure(call), reason);
  const late = client.senders.list({}, { abortSignal: AbortSignal.abort(reason) });
  assert.equal(await failure(late), reason);
});

test("credentials come from the options, else from the environment", async () => {
  const saved = { ...process.env };
  const sent = async (options: SignalboxOptions): Promise<string> => {
    const path = await startProxy(server.url, [refused(401)]);
    proxies.push(path);
    await failure(new Signalbox({ url: path.url, ...options }).senders.list());
    return atob(path.requests[0]!.headers.authorization!.slice("Basic ".length));
  };
  try {
    for (const name of Object.keys(process.env)) if (name.startsWith("SIGNALBOX_")) delete process.env[name];
    assert.throws(() => new Signalbox(), MissingCredentials);
    assert.throws(() => new Signalbox({ accountSid: "AC1" }), MissingCredentials);
    assert.throws(() => new Signalbox({ authToken: "t" }), MissingCredentials);
    assert.equal(await sent({ accountSid: "AC1", authToken: "t:1" }), "AC1:t:1");
    assert.equal(await sent({ accountSid: "SK1", authToken: "s" }), "SK1:s");
    Object.assign(process.env, { SIGNALBOX_ACCOUNT_SID: "AC2", SIGNALBOX_AUTH_TOKEN: "t2" });
    assert.equal(await sent({}), "AC2:t2");
    assert.equal(await sent({ authToken: "t3" }), "AC2:t3");
    Object.assign(process.env, { SIGNALBOX_URL: server.url });
    assert.ok((await failure(new Signalbox().senders.list())) instanceof Unauthenticated);
  } finally {
    process.env = saved;
  }
});

test("the options are named as the environment, in TwilioClient as in the vendor's SDK", () => {
  const [accountSid, authToken, url] = ["AC1", "t", "http://host"];
  assert.ok(new Signalbox({ accountSid, authToken, url }));
  assert.ok(new TwilioClient({ accountId: accountSid, authToken, baseUrl: url }));
  const unknown = (name: string): RegExp => new RegExp(`no option ${name}: url, accountSid, authToken, `);
  for (const name of ["accountId", "baseUrl"]) {
    const options = { accountSid, authToken, url, [name]: "http://other" };
    assert.throws(() => new Signalbox(options), (error) => error instanceof TypeError && unknown(name).test(error.message));
  }
  const vendors = { accountId: accountSid, authToken, baseUrl: url, region: "us1" };
  assert.ok(new TwilioClient(vendors) instanceof Signalbox);
});

test("a URL may have a path and a slash at its end, and no error repeats it", async () => {
  const { client, path } = await behindProxy([refused(404)]);
  await failure(new Signalbox({ ...ACCOUNT, url: `${path.url}/prefix/` }).senders.list());
  assert.equal(path.requests[0]?.url, "/prefix/v1/Senders");
  for (const url of ["localhost:8080", "ftp://host", "http://a:secret@host", "http://host?x=1", "a secret"]) {
    const wrong = (): Signalbox => new Signalbox({ ...ACCOUNT, url });
    assert.throws(wrong, (error: Error) => error instanceof TypeError && !error.message.includes("secret"));
  }
  assert.ok(client);
});

test("no output of a client or of an error shows the secret", async () => {
  const { inspect } = await import("node:util");
  const { client } = await behindProxy([refused(401)]);
  const error = await failure(client.senders.list());
  const shown = [client, error].map((one) => inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one)).join();
  assert.ok(!shown.includes(ACCOUNT.authToken) && !shown.includes(btoa(ACCOUNT.authToken)));
});
