/** The unbundled ES modules in a real browser, on a page of another origin. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { ACCOUNT, ROOT, serve } from "./server.js";

const BROWSER = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** The script of the page. */
const SCRIPT = (url: string): string => `
import { Invalid, Signalbox, TwilioClient, TooMany, etagOf } from "/dist/esm/index.js";
async function work() {
  const client = new Signalbox({ ...${JSON.stringify(ACCOUNT)}, url: "${url}" });
  const { created } = await client.inventory.enter([{ channel: "SMS", address: "+12025550100" }]);
  const { senders } = await client.senders.list();
  const { operationId } = await client.senderPools.create({ name: "From a page", senders: [senders[0].id] });
  const watched = [];
  for await (const { status } of client.senderPools.watch(operationId)) watched.push(status);
  const { stats } = await client.senderPools.wait(operationId);
  const names = [];
  for await (const { name } of client.senderPools.list({ operationId, pageSize: 1 })) names.push(name);
  const pool = await client.senderPools.fetch((await client.senderPools.list()).senderPools[0].id);
  await client.senderPools.update(pool.id, { name: "Renamed" }, { ifMatch: etagOf(pool) });
  const refused = await client.senders.fetch("nonsense").catch((error) => error);
  const wrong = new TwilioClient({ accountId: "AC", authToken: "x", baseUrl: "${url}" });
  const unknown = await wrong.senders.list().catch((error) => error);
  let limited;
  const impatient = { maxRetries: 0 };
  while (!limited) await client.senders.list({}, impatient).catch((error) => { limited = error; });
  return {
    created, last: watched.at(-1), stats, names,
    refused: [refused instanceof Invalid, refused.code, refused.requestId?.length],
    unknown: unknown.name, limited: [limited instanceof TooMany, limited.retryAfter >= 1 && limited.retryAfter <= 20],
  };
}
const result = await work().catch((error) => ({ error: String(error) }));
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
`;

test("a page in Chromium does the work of a day", { timeout: 60_000 }, async () => {
  let told: (result: unknown) => void;
  const result = new Promise<unknown>((resolve) => (told = resolve));
  const pages = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://page");
    const send = (type: string, body: string): void => void response.writeHead(200, { "Content-Type": type }).end(body);
    if (pathname === "/") return send("text/html", '<!doctype html><script type="module" src="/script.js"></script>');
    if (pathname === "/script.js") return send("text/javascript", SCRIPT(server.url));
    if (pathname === "/result") {
      let body = "";
      request.on("data", (piece) => (body += piece)).on("end", () => told(JSON.parse(body)));
      return send("text/plain", "");
    }
    if (!/^\/dist\/esm\/[\w-]+\.js$/.test(pathname)) return response.writeHead(404).end();
    void readFile(path.join(ROOT, pathname), "utf8").then((text) => send("text/javascript", text));
    return;
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  const page = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  const server = await serve({ SIGNALBOX_CORS_ORIGINS: page, SIGNALBOX_RATE_LIMIT: "30/600" });
  const profile = await mkdtemp(path.join(os.tmpdir(), "chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`];
  const browser = spawn(BROWSER, [...flags, page], { stdio: "ignore" });
  const failed = once(browser, "error").then(([error]) => Promise.reject(error as Error));
  try {
    assert.deepEqual(await Promise.race([result, failed]), {
      created: 1,
      last: "COMPLETED",
      stats: { total: 2, queued: 0, created: 2, failed: 0 },
      names: ["From a page"],
      refused: [true, 20001, 34],
      unknown: "Unauthenticated",
      limited: [true, true],
    });
  } finally {
    if (browser.kill("SIGTERM")) await once(browser, "exit");
    pages.closeAllConnections();
    pages.close();
    await server.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
});
