/** The packed package: its files, and its use with import and require. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ACCOUNT, environment, ROOT, type Server, serve } from "./server.js";

const run = promisify(execFile);
let server: Server;
let folder: string;
let files: string[];

/** The vendor's sample, with another import and a base URL. */
const CALLS = `
const [accountId, authToken] = ["${ACCOUNT.accountSid}", "${ACCOUNT.authToken}"];
const client: TwilioClient = new TwilioClient({ accountId, authToken, baseUrl: process.env["BASE_URL"] });
async function main(): Promise<void> {
  const page = await client.senderPools.listOperations({});
  const operations: readonly Operation[] = page.operations;
  const next: string | null = page.pagination.next;
  for await (const { createdAt } of client.senderPools.listOperations({ status: "COMPLETED" })) createdAt.getTime();
  for await (const { senders } of client.senders.list().pages()) senders.at(0)?.displayName?.length;
  await client.senders.fetch("nonsense").catch((error: unknown) => {
    if (!(error instanceof Invalid && error.problems.length === 1)) throw error;
  });
  // @ts-expect-error results are read-only
  if (operations.length) operations[0].status = "CANCELED";
  // @ts-expect-error there is no such status
  if (next) await client.senders.list({ status: "PROCESSING" });
  console.log("worked", operations.length, next);
}
`;
const COMPILER = {
  compilerOptions: {
    module: "nodenext",
    target: "es2022",
    // Without the types of browsers, and with checks of the package's own types.
    lib: ["es2022"],
    types: ["node"],
    typeRoots: [path.join(ROOT, "node_modules/@types")],
    strict: true,
    skipLibCheck: false,
    outDir: "out",
  },
  files: ["esm.mts", "cjs.cts"],
};

before(async () => {
  server = await serve();
  folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-client-"));
  // Not built again: it is built already, and the other tests use it.
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", pack, { cwd: ROOT });
  const packed: unknown = JSON.parse(stdout);
  const [made] = Object.values(packed as object) as { filename: string; files: { path: string }[] }[];
  files = made!.files.map((file) => file.path);
  await writeFile(path.join(folder, "package.json"), "{}");
  const quiet = ["--offline", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...quiet, path.join(folder, made!.filename)], { cwd: folder });
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

test("the tarball has the built modules, their sources, and no other code", () => {
  const outside = files.filter((file) => !/^(dist\/(esm|cjs)|src)\//.test(file));
  assert.deepEqual(outside.sort(), ["LICENSE", "README.md", "package.json"]);
  for (const kind of ["esm/index.js", "esm/index.d.ts", "cjs/index.js", "cjs/index.d.ts", "cjs/package.json"]) {
    assert.ok(files.includes(`dist/${kind}`), kind);
  }
});

test("the package has the version of the server, and no dependencies", async () => {
  const described = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
  const locked = JSON.parse(await readFile(path.join(ROOT, "package-lock.json"), "utf8")) as Record<string, unknown>;
  const python = await readFile(path.join(ROOT, "../../src/signalbox/__init__.py"), "utf8");
  const version = /__version__ = "(.+)"/.exec(python)?.[1];
  assert.deepEqual([described.version, locked.version], [version, version]);
  assert.deepEqual([described.dependencies, described.peerDependencies], [undefined, undefined]);
});

test("the lock file names no registry", async () => {
  assert.doesNotMatch(await readFile(path.join(ROOT, "package-lock.json"), "utf8"), /https?:/);
});

test("import and require load it, each with its own types", async () => {
  const names = "Invalid, type Operation, TwilioClient";
  await writeFile(path.join(folder, "esm.mts"), `import { ${names} } from "signalbox-client";${CALLS}await main();\n`);
  const required = `import { ${names} } from "signalbox-client";${CALLS}void main();\n`;
  await writeFile(path.join(folder, "cjs.cts"), required);
  await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(COMPILER));
  const tsc = path.join(ROOT, "node_modules/.bin/tsc");
  const said = await run(tsc, [], { cwd: folder }).catch((error: { stdout: string }) => error);
  assert.equal(said.stdout, "");
  for (const [file, loads] of [
    ["esm.mjs", 'from "signalbox-client"'],
    ["cjs.cjs", 'require("signalbox-client")'],
  ]) {
    const compiled = path.join(folder, "out", file!);
    assert.ok((await readFile(compiled, "utf8")).includes(loads!));
    const env = environment({ BASE_URL: server.url });
    assert.equal((await run(process.execPath, [compiled], { env })).stdout, "worked 0 null\n");
  }
});
