/** Requests of the log as text to copy, and as requests to send again. */
import "./page.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { againOf } from "../src/again.ts";
import { urlOf, type Call } from "../src/api.ts";
import { curlOf, pytestOf, pythonOf, typescriptOf } from "../src/copies.ts";
import { parse, pretty } from "../src/json.ts";
import type { InspectedRequest, KeptBody } from "../src/wire.ts";

const BODY = '{"name":"A","senders":[],"on":true,"no":null}';
const POOL: Call = { method: "POST", path: "/v1/SenderPools", media: "application/json", body: BODY };

function body(text: string, more: Partial<KeptBody> = {}): KeptBody {
  return { text, binary: null, bytes: text.length, complete: true, removed: false, ...more };
}

interface Given {
  method?: string;
  target?: string;
  headers?: Record<string, string>;
  body?: KeptBody | null;
}

function logged(given: Given = {}): InspectedRequest {
  const { method = "POST", target = "/v1/SenderPools", body = null } = given;
  const headers = { authorization: "[removed]", host: "h", ...given.headers };
  const pairs = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return {
    ...{ requestId: "RQ1", at: "2026-11-23T15:31:23.342Z", route: "senderPools.create" },
    ...{ method, path: "/v1/SenderPools", query: "", status: 202, ms: 1, kept: "YES" },
    ...{ problems: [], moreProblems: 0, warnings: [], error: null },
    request: { target, headers: pairs, body, readMs: 0.1 },
    response: { headers: [], body: null, startedMs: 0.5 },
  };
}

test("JSON is indented without a change of its tokens", () => {
  const text = '{"a":1.0,"b":[12345678901234567890,"\\u0041\\/",{}],"a":[]}';
  assert.equal(pretty(text), '{"a": 1.0, "b": [12345678901234567890, "\\u0041\\/", {}], "a": []}');
  const names = Array.from({ length: 4 }, (_, at) => `{"senderId":"comms_sender_${at}, {\\"x\\": [1]}"}`);
  const lines = Array.from({ length: 4 }, (_, at) => `    {"senderId": "comms_sender_${at}, {\\"x\\": [1]}"}`);
  assert.equal(pretty(`{"senders":[${names.join()}]}`), `{\n  "senders": [\n${lines.join(",\n")}\n  ]\n}`);
});

test("text that is no JSON, is cut off, or is nested too deep stays as it is", () => {
  for (const text of ["channel,address\n", '{"name": "A', `${"[".repeat(5000)}${"]".repeat(5000)}`, ""]) {
    assert.equal(parse(text), null);
    assert.equal(pretty(text), text);
  }
});

test("a body of JSON becomes values of each language", () => {
  assert.match(pythonOf(POOL), /\n {4}json=\{"name": "A", "senders": \[\], "on": True, "no": None\},\n/);
  assert.doesNotMatch(pythonOf(POOL), /Content-Type/);
  const code = '  body: JSON.stringify({"name": "A", "senders": [], "on": true, "no": null}),\n';
  assert.ok(typescriptOf(POOL).includes(code));
  assert.match(typescriptOf(POOL), /\n {4}"Content-Type": "application\/json",\n/);
});

test("a body that would not come out the same is copied as text", () => {
  const odd = ['{"a":1.0}', '{"a":1,"a":2}', '{"1":1,"0":2}', '{"a":"\\u0041"}', '{"__proto__":1}', '{"a":"\\ud800"}'];
  for (const text of [...odd, "null", "{"]) {
    const call = { ...POOL, body: text };
    assert.ok(pythonOf(call).includes(`    content=${JSON.stringify(text)},\n`), text);
    assert.ok(pythonOf(call).includes('headers={"Content-Type": "application/json"}'), text);
    assert.ok(typescriptOf(call).includes(`  body: ${JSON.stringify(text)},\n`), text);
  }
});

test("curl gets a body as it is, whatever is in it", () => {
  const line = (text: string) => curlOf({ ...POOL, media: "text/csv", body: text });
  assert.ok(line("it's\n").endsWith(`--data-binary 'it'\\''s\n'`));
  assert.ok(line("a,b\r\n\\'").endsWith("--data-binary $'a,b\\x0d\n\\\\\\''"));
  assert.ok(line("@file").startsWith("printf %s '@file' | curl "));
  assert.ok(line("a\0b").startsWith("printf %s 'YQBi' | base64 -d | curl "));
  assert.ok(line("x".repeat(200_000)).startsWith("printf %s 'xxx"));
  assert.ok(line("").endsWith("--data-binary ''"));
});

test("bytes that are no text are copied in base64", () => {
  const call = { ...POOL, media: "application/octet-stream", body: new Uint8Array([255, 0]) };
  assert.ok(curlOf(call).startsWith("printf %s '/wA=' | base64 -d | curl "));
  assert.ok(pythonOf(call).startsWith("import base64\nimport os\n"));
  assert.ok(pythonOf(call).includes('content=base64.b64decode("/wA=")'));
  assert.ok(typescriptOf(call).includes('body: Buffer.from("/wA=", "base64")'));
});

test("a path is text of each language, and no range of curl", () => {
  const call: Call = { path: '/v1/Senders?a=[1-9]{x}&b="$HOME`\\{y}' };
  for (const text of [curlOf(call), pythonOf(call), typescriptOf(call)]) {
    assert.ok(text.includes("/v1/Senders?a=%5b1-9%5d%7bx%7d&b=%22%24HOME%60%5c%7by%7d"), text);
  }
});

test("no path leads to another server", () => {
  for (const path of ["//example.com/v1", "/https://example.com/v1", "/\\example.com"]) {
    assert.equal(new URL(urlOf({ path })).origin, location.origin);
  }
});

test("a test of pytest expects the status and the code of the log", () => {
  const text = pytestOf(POOL, { route: "senderPools.create", status: 400, code: 20001 });
  const head = "import httpx\nfrom signalbox.testing import Account\n\n\ndef test_sender_pools_create_responds_400(";
  assert.ok(text.startsWith(head));
  assert.match(text, /\n {8}json=/);
  const end = '    assert response.status_code == 400, response.text\n    assert response.json()["code"] == 20001\n';
  assert.ok(text.endsWith(end));
  assert.doesNotMatch(text, /is new/);
  const named: Call = { path: "/v1/Senders/comms_sender_01h2xcejqtf2nbrexx3vqjhp41" };
  assert.match(pytestOf(named, { route: "senders.fetch", status: 200, code: null }), /# The account of a test is new/);
});

test("HEAD is a request of its own for curl", () => {
  assert.ok(curlOf({ method: "HEAD", path: "/v1/Senders" }).includes(" --head "));
});

test("a request is repeated with the headers that the API reads, without credentials and Idempotency-Key", () => {
  const left = { "idempotency-key": "k", accept: "*/*", cookie: "[removed]", "x-y": "z" };
  const headers = { "Content-Type": "application/json", "if-match": '"1"', ...left };
  const path = "/v1/SenderPools?colour=red";
  const again = againOf(logged({ target: path, headers, body: body("{}") }));
  const call = { method: "POST", path, headers: { "if-match": '"1"' }, body: "{}", media: "application/json" };
  assert.deepEqual(again, { call, why: "", keyed: true, removed: false });
  const bytes = againOf(logged({ body: body("", { text: null, binary: "/wA=" }) }));
  assert.deepEqual(bytes.call?.body, new Uint8Array([255, 0]));
});

test("a request that is not known whole is neither copied nor sent", () => {
  const whole = logged();
  const cases: [InspectedRequest, RegExp][] = [
    [{ ...whole, kept: "OFF", request: null, response: null }, /^$/],
    [logged({ method: "*" }), /no such method/],
    [logged({ body: body("{", { complete: false }) }), /not kept whole/],
    [logged({ headers: { "content-length": "5" } }), /did not read/],
    [logged({ headers: { "transfer-encoding": "chunked" } }), /did not read/],
    [logged({ method: "GET", body: body("{}") }), /no body with GET/],
  ];
  for (const [request, why] of cases) {
    assert.equal(againOf(request).call, null);
    assert.match(againOf(request).why, why);
  }
  assert.notEqual(againOf(logged({ headers: { "content-length": "0" } })).call, null);
});

test("a request with a secret, or for a stream, is copied and not sent", () => {
  const cases: [InspectedRequest, RegExp][] = [
    [logged({ body: body('{"secret":"[removed]"}', { removed: true }) }), /a secret/],
    [logged({ method: "GET", target: "/v1/Senders?token=[removed]" }), /a secret/],
    [logged({ method: "GET", headers: { accept: "text/event-stream" } }), /event stream/],
  ];
  for (const [request, why] of cases) {
    assert.notEqual(againOf(request).call, null);
    assert.match(againOf(request).why, why);
  }
});
