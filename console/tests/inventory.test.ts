/** Entering senders in several requests: what is known when one of them fails. */
import "./page.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../src/csv.ts";
import { enter, nothing } from "../src/inventory.ts";

test("what the first requests did is known when a later one fails", async () => {
  const rows = Array.from({ length: 1500 }, (_, at) => `RCS,a${String(at).padStart(4, "0")}`);
  const refused = [{ context: "$[7].address", code: 20001, message: "wrong", line: 9 }];
  let requests = 0;
  globalThis.fetch = () => {
    requests += 1;
    if (requests > 1) return Promise.reject(new TypeError("connection reset"));
    return Promise.resolve(Response.json({ created: 998, updated: 1, refused }));
  };
  const result = nothing();
  await assert.rejects(enter(check(`channel,address\n${rows.join("\n")}`, false), () => {}, result));
  assert.equal(requests, 2);
  assert.deepEqual([result.created, result.updated, result.rows.length], [998, 1, 999]);
  assert.deepEqual(result.refused, [{ line: 9, message: "address: wrong" }]);
});
