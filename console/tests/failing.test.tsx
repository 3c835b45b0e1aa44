/** Lists whose server fails, is slow, or sends what is no list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, settled, until } from "./page.ts";
import { all, list, refuse, server, shown, upTo } from "./things.tsx";

test("a server that goes on failing is asked less and less often", async () => {
  refuse(503);
  list();
  for (const [count, wait] of [4000, 8000, 16_000, 32_000, 60_000, 60_000].entries()) {
    await until(() => server.asked.length === count + 1 && all("[role=alert]").length === 1, "the failure");
    await settled();
    clock.pass(wait - 1);
    await settled();
    assert.equal(server.asked.length, count + 1);
    clock.pass(1);
  }
  await until(() => server.asked.length === 7, "the last request");
});

test("a server that takes longer than the time between two reads is waited for", async () => {
  server.things = upTo(3);
  list({ every: 4000 });
  await shown("thing 3");
  server.held = [];
  server.things = upTo(4);
  clock.pass(4000);
  await until(() => server.held!.length === 1, "the request");
  clock.pass(8000);
  await settled();
  assert.equal(server.held.length, 1);
  server.held.pop()!();
  await shown("thing 4");
});

test("a server that fails is told of and asked again by itself, not before it said", async () => {
  refuse(503, { "retry-after": "9" });
  list();
  await until(() => all("[role=alert]").length === 1, "the failure");
  assert.match(all("[role=alert]")[0]!.textContent!, /503.*no/);
  assert.equal(all(".empty").length, 0);
  [server.things, server.instead] = [upTo(1), undefined];
  clock.pass(8999);
  await settled();
  assert.equal(server.asked.length, 1);
  clock.pass(1);
  await shown("thing 1");
  assert.equal(all("[role=alert]").length, 0);
});

test("a refusal is told of, and asked again only by who reads it", async () => {
  refuse(400);
  list();
  await until(() => all("[role=alert]").length === 1, "the failure");
  clock.pass(60_000);
  await settled();
  assert.equal(server.asked.length, 1);
  [server.things, server.instead] = [upTo(1), undefined];
  all("[role=alert] button")[0]!.click();
  await shown("thing 1");
});

test("a response that is no JSON, or ends too early, is a failure like others", async () => {
  for (const body of ["<html>a proxy's page</html>", '{"things": [']) {
    server.asked = [];
    server.instead = ({ response }) => response.end(body);
    list({ round: body.length });
    await until(() => all("[role=alert]").length === 1 || server.asked.length > 1, "the failure");
    await settled();
    assert.equal(server.asked.length, 1);
    assert.equal(all("[role=alert]").length, 1);
  }
});
