/** The examples of the pages compile, run in order on an empty account, and print what the pages show. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ACCOUNT, environment, ROOT, serve } from "./server.js";

const run = promisify(execFile);
const PRINTED_URL = "http://127.0.0.1:8080";
const COMPILER = {
  compilerOptions: {
    module: "nodenext",
    target: "es2022",
    lib: ["es2022"],
    types: ["node"],
    typeRoots: [path.join(ROOT, "node_modules/@types")],
    strict: true,
  },
  files: ["page.mts"],
};

for (const name of ["README.md", "../../docs/typescript-client.md"]) {
  test(`the examples of ${path.basename(name)} print what it shows`, async () => {
    const page = await readFile(path.join(ROOT, name), "utf8");
    const fences = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
    const programs = fences.filter(({ language }) => language === "typescript").map(({ text }) => text);
    const outputs = fences.filter(({ language }) => language === "text").map(({ text }) => text);
    assert.ok(programs.length);
    const server = await serve();
    const folder = await mkdtemp(path.join(os.tmpdir(), "examples-"));
    try {
      await mkdir(path.join(folder, "node_modules"));
      await symlink(ROOT, path.join(folder, "node_modules/signalbox-client"));
      const program = programs.join("").replaceAll(PRINTED_URL, server.url);
      await writeFile(path.join(folder, "page.mts"), program);
      await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(COMPILER));
      const tsc = path.join(ROOT, "node_modules/.bin/tsc");
      const said = await run(tsc, [], { cwd: folder }).catch((error: { stdout: string }) => error);
      assert.equal(said.stdout, "");
      const account = { SIGNALBOX_ACCOUNT_SID: ACCOUNT.accountSid, SIGNALBOX_AUTH_TOKEN: ACCOUNT.authToken };
      const { stdout } = await run(process.execPath, [path.join(folder, "page.mjs")], { env: environment(account) });
      assert.equal(stdout, outputs.join(""));
    } finally {
      await server.stop();
      await rm(folder, { recursive: true });
    }
  });
}
