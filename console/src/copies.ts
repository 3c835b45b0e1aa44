/**
 * A request as text to copy: for a shell, Python, TypeScript and pytest. No text has the credentials: they come from
 * the environment that `signalbox env` prepares, or from the fixture of the test.
 */
import { bodyOf, urlOf, type Call } from "./api.ts";
import { codeOf } from "./json.ts";
import { ROOT } from "./route.ts";

/** What a test of pytest expects of the response. */
export interface Expected {
  /** The public name of the endpoint, such as `senderPools.create`. */
  route: string;
  status: number;
  code: number | null;
}

const JSON_MEDIA = "application/json";
// Linux refuses a longer argument of a command: 128 KiB.
const MOST_ARGUMENT = 100_000;
// What the shell, or its terminal, takes for something else than a character of the text. NUL is in no argument.
const CONTROL = /[\x01-\x09\x0b-\x1f\x7f]/;
const ID = /comms_[a-z]+_[0-9a-z]{26}/;

/** The request as a line for a shell that `signalbox env` prepared. */
export function curlOf(call: Call): string {
  const body = bodyOf(call);
  const method = call.method ?? "GET";
  const chosen = method === "HEAD" ? ["--head"] : method === (body === null ? "GET" : "POST") ? [] : [`-X ${method}`];
  const headers = headersOf(call).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const user = '-u "$SIGNALBOX_ACCOUNT_SID:$SIGNALBOX_AUTH_TOKEN"';
  const line = ["curl", user, ...chosen, ...headers, `"$SIGNALBOX_URL${pathOf(call)}"`].join(" ");
  if (body === null) return line;
  const bytes = typeof body === "string" && body.includes("\0") ? new TextEncoder().encode(body) : body;
  if (typeof bytes !== "string") return `printf %s '${base64(bytes)}' | base64 -d | ${line} --data-binary @-`;
  // For curl `@` at the start is the name of a file.
  const piped = bytes.length > MOST_ARGUMENT || bytes.startsWith("@");
  return piped ? `printf %s ${quoted(bytes)} | ${line} --data-binary @-` : `${line} --data-binary ${quoted(bytes)}`;
}

/** The request as a program in Python that prints the response. */
export function pythonOf(call: Call): string {
  const url = `os.environ["SIGNALBOX_URL"] + "${pathOf(call)}"`;
  const auth = 'os.environ["SIGNALBOX_ACCOUNT_SID"], os.environ["SIGNALBOX_AUTH_TOKEN"]';
  const imports = `${isBytes(call) ? "import base64\n" : ""}import os\n\nimport httpx\n\n`;
  return `${imports}response = ${httpx(call, url, auth, "")}\nprint(response.status_code, response.text)\n`;
}

/** The request as a test of pytest that expects the response to be as it was. */
export function pytestOf(call: Call, { route, status, code }: Expected): string {
  const url = `f"{signalbox_server.url}${pathOf(call)}"`;
  const auth = "signalbox_server.account_sid, signalbox_server.auth_token";
  const imports = `${isBytes(call) ? "import base64\n\n" : ""}import httpx\nfrom signalbox.testing import Account\n`;
  const noun = route.replace(/[A-Z]/g, (found) => `_${found.toLowerCase()}`).replace(/\W+/g, "_");
  const def = `def test_${noun}_responds_${status}(signalbox_server: Account) -> None:`;
  const body = bodyOf(call);
  const named = ID.test(call.path) || (typeof body === "string" && ID.test(body));
  const lines = [
    ...(named ? ["# The account of a test is new: create what these ids stand for, and put in the new ids."] : []),
    `response = ${httpx(call, url, auth, "    ")}`,
    `assert response.status_code == ${status}, response.text`,
    ...(code !== null && call.method !== "HEAD" ? [`assert response.json()["code"] == ${code}`] : []),
  ];
  return `${imports}\n\n${def}\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

/** A call of httpx: `url` and `auth` are expressions. */
function httpx(call: Call, url: string, auth: string, indent: string): string {
  const inside = `${indent}    `;
  const body = bodyOf(call);
  const words = { true: "True", false: "False", null: "None" };
  const json = typeof body === "string" && isJson(call) ? codeOf(body, "    ", inside, words) : null;
  // httpx adds the media type of `json=` itself.
  const added = json !== null && (call.media ?? JSON_MEDIA) === JSON_MEDIA;
  const headers = namesAndValues(headersOf(call).filter(([name]) => !added || name !== "Content-Type"));
  const parts = [JSON.stringify(call.method ?? "GET"), url, `auth=(${auth})`];
  if (headers.length) parts.push(`headers={${headers.join(", ")}}`);
  if (json !== null) parts.push(`json=${json}`);
  else if (typeof body === "string") parts.push(`content=${JSON.stringify(body)}`);
  else if (body) parts.push(`content=base64.b64decode("${base64(body)}")`);
  parts.push("timeout=90");
  return `httpx.request(\n${parts.map((part) => `${inside}${part},\n`).join("")}${indent})`;
}

/** The request as a module in TypeScript that prints the response. */
export function typescriptOf(call: Call): string {
  const body = bodyOf(call);
  const login = "Authorization: `Basic ${btoa(`${SIGNALBOX_ACCOUNT_SID}:${SIGNALBOX_AUTH_TOKEN}`)}`";
  const headers = namesAndValues(headersOf(call));
  const options = [
    ...(call.method && call.method !== "GET" ? [`method: "${call.method}"`] : []),
    `headers: {\n${[login, ...headers].map((one) => `    ${one},\n`).join("")}  }`,
  ];
  if (typeof body === "string") {
    const json = isJson(call) ? codeOf(body, "  ", "  ", {}) : null;
    options.push(`body: ${json === null ? JSON.stringify(body) : `JSON.stringify(${json})`}`);
  } else if (body) options.push(`body: Buffer.from("${base64(body)}", "base64")`);
  // curl and httpx follow no redirect either.
  options.push('redirect: "manual"');
  return [
    "const { SIGNALBOX_ACCOUNT_SID, SIGNALBOX_AUTH_TOKEN, SIGNALBOX_URL } = process.env;\n",
    `const response = await fetch(\`\${SIGNALBOX_URL}${pathOf(call)}\`, {`,
    ...options.map((option) => `  ${option},`),
    "});",
    "console.log(response.status, await response.text());\n",
  ].join("\n");
}

/** The headers of a request, without the credentials. */
function headersOf(call: Call): [string, string][] {
  const headers = Object.entries(call.headers ?? {});
  return call.body === undefined ? headers : [...headers, ["Content-Type", call.media ?? JSON_MEDIA]];
}

/** The headers as members of an object, in either language. */
function namesAndValues(headers: readonly [string, string][]): string[] {
  return headers.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
}

function isJson(call: Call): boolean {
  return (call.media ?? JSON_MEDIA).split(";")[0]!.trim().toLowerCase() === JSON_MEDIA;
}

function isBytes(call: Call): boolean {
  return call.body instanceof Uint8Array;
}

/**
 * The path and query of a request below the server's URL, percent-encoded: text for the double quotes of a shell and of
 * Python, for a template of TypeScript, and without the brackets in which curl takes a range.
 */
function pathOf(call: Call): string {
  const path = urlOf(call).slice(ROOT.href.length - 1);
  return path.replace(/[$!`"\\{}[\]]/g, (found) => `%${found.charCodeAt(0).toString(16)}`);
}

/** The text for a shell, which leaves everything in it as it is. */
function quoted(text: string): string {
  if (!CONTROL.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const hex = (found: string) => found.charCodeAt(0).toString(16).padStart(2, "0");
  const escape = (found: string) => (/['\\]/.test(found) ? `\\${found}` : `\\x${hex(found)}`);
  return `$'${text.replace(/['\\]|[\x01-\x09\x0b-\x1f\x7f]/g, escape)}'`;
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
