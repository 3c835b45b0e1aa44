/** A real server for each test file, and a proxy to it that can fail. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "../..");
export const ACCOUNT = {
  accountSid: "AC0123456789abcdef0123456789abcdef",
  authToken: "a-token-that-the-tests-chose-000",
};
const COMMAND = process.env["SIGNALBOX_COMMAND"] ?? path.join(ROOT, "../../.venv/bin/signalbox");

/** This environment without Signalbox's variables, plus `more`. */
export function environment(more: Record<string, string> = {}): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("SIGNALBOX_"));
  return { ...(Object.fromEntries(own) as Record<string, string>), ...more };
}

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the server with a database in memory, or with `database`; resolves when it is ready. */
export async function serve(settings: Record<string, string> = {}, database = "sqlite://", port = 0): Promise<Server> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-"));
  const account = { SIGNALBOX_ACCOUNT_SID: ACCOUNT.accountSid, SIGNALBOX_AUTH_TOKEN: ACCOUNT.authToken };
  const command = ["serve", "--database", database, "--port", String(port), "--log-format", "json"];
  const child = spawn(COMMAND, command, { cwd: folder, env: environment({ ...account, ...settings }) });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const url = await ready(child);
  return {
    url,
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
      process.off("exit", kill);
      await rm(folder, { recursive: true });
    },
  };
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const read = (piece: Buffer): void => {
      printed += piece;
      const found = /"event":"ready","url":"([^"]+)"/.exec(printed);
      if (found?.[1]) resolve(found[1]);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`the server ended: ${printed}`)));
  });
}

/**
 * What the proxy does with a request: forwards it, loses it, loses its response, cuts its response off, or responds
 * itself. An event stream is cut off after its first piece, another response in its middle.
 */
export type Fate =
  | "pass"
  | "lose the request"
  | "lose the response"
  | "cut the response"
  | { status: number; headers?: Record<string, string>; body?: string };

export interface TestProxy {
  readonly url: string;
  /** Every request that arrived. */
  readonly requests: { method: string; url: string; headers: http.IncomingHttpHeaders }[];
  close(): Promise<void>;
}

/** A proxy to a server; `fates` are for the first requests, later ones pass. */
export async function startProxy(target: string, fates: Fate[] = []): Promise<TestProxy> {
  const requests: TestProxy["requests"] = [];
  const proxy = http.createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    const fate = fates[requests.length] ?? "pass";
    requests.push({ method, url, headers });
    if (fate === "lose the request") return request.socket.destroy();
    if (typeof fate === "object") return response.writeHead(fate.status, fate.headers).end(fate.body);
    const onward = http.request(new URL(url, target), { method, headers, agent: false }, (forwarded) => {
      if (fate === "lose the response") {
        forwarded.resume().once("end", () => request.socket.destroy());
        return;
      }
      response.writeHead(forwarded.statusCode ?? 0, forwarded.headers);
      if (fate === "cut the response") {
        const whole = forwarded.headers["content-type"] === "text/event-stream";
        forwarded.once("data", (piece: Buffer) => {
          response.write(whole ? piece : piece.subarray(0, piece.length / 2), () => request.socket.destroy());
        });
      } else {
        forwarded.pipe(response);
      }
      forwarded.once("error", () => request.socket.destroy());
    });
    onward.once("error", () => request.socket.destroy());
    response.once("close", () => onward.destroy());
    request.pipe(onward);
    return;
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
