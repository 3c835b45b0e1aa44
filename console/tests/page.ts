/**
 * What the console's modules find around them in a browser: a document of happy-dom, and the HTTP server that the page came
 * from. Imported before the modules under test, which look at both while they load.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Window } from "happy-dom";

const PATIENCE = 5_000;

/** A request that waits for its response. */
export interface Arrived {
  request: http.IncomingMessage;
  response: http.ServerResponse;
}

/** The requests that no `respond` took, oldest first. */
const arrived: Arrived[] = [];

export const site: { respond: ((one: Arrived) => void) | undefined } = { respond: undefined };

const server = http.createServer((request, response) => {
  const one = { request, response };
  if (site.respond) site.respond(one);
  else arrived.push(one);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
after(() => {
  server.close();
  server.closeAllConnections();
});

const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const window = new Window({ url: `${origin}/console`, width: 1000, height: 720 });

/** A channel between tabs does not keep the process of a test alive. */
class Tabs extends BroadcastChannel {
  constructor(name: string) {
    super(name);
    (this as unknown as { unref: () => void }).unref();
  }
}

const NAMES = ["document", "location", "history", "sessionStorage", "matchMedia", "innerHeight", "getSelection"] as const;
const MORE = ["addEventListener", "removeEventListener", "dispatchEvent", "Element"] as const;
for (const name of [...NAMES, ...MORE]) {
  const value: unknown = window[name];
  const bound: unknown = typeof value === "function" && name !== "Element" ? value.bind(window) : value;
  Object.defineProperty(globalThis, name, { value: bound, configurable: true, writable: true });
}
Object.assign(globalThis, { scrollY: 0, scrollTo: () => undefined });
Object.assign(globalThis, { window, BroadcastChannel: Tabs, CONSOLE_SCRIPT: `${origin}/console/console.js` });

/** Whether somebody looks at the page. */
export function show(visible: boolean): void {
  Object.defineProperty(document, "hidden", { value: !visible, configurable: true });
  document.dispatchEvent(new window.Event("visibilitychange") as unknown as Event);
}

export function event(name: string): Event {
  return new window.Event(name) as unknown as Event;
}

export function key(name: string): void {
  const pressed = new window.KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true });
  (document.activeElement ?? document.body).dispatchEvent(pressed as unknown as Event);
}

/** The next request. */
export async function next(): Promise<Arrived> {
  await until(() => arrived.length > 0, "a request");
  return arrived.shift()!;
}

/** How many requests wait, once everything that is on its way is there. */
export async function waiting(): Promise<number> {
  await settled();
  return arrived.length;
}

/** Ends the requests that no test took. */
export async function forget(): Promise<void> {
  await settled();
  for (const { response } of arrived.splice(0)) response.destroy();
}

/** The clock of the console's timers, which the build of the tests puts in the place of Node's: it stands still until `pass`. */
class Clock {
  private readonly timers = new Map<number, { at: number; every: number; act: () => void }>();
  private now = 0;
  private count = 0;

  readonly setTimeout = (act: () => void, wait: number) => this.set(act, wait, 0);
  readonly setInterval = (act: () => void, wait: number) => this.set(act, wait, wait);
  readonly clearTimeout = (timer: number) => void this.timers.delete(timer);
  readonly clearInterval = this.clearTimeout;

  /** Lets milliseconds pass, timer by timer. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const [due] = [...this.timers].filter(([, timer]) => timer.at <= end).sort(([, one], [, two]) => one.at - two.at);
      if (!due) break;
      const [number, timer] = due;
      this.now = timer.at;
      if (timer.every) timer.at += timer.every;
      else this.timers.delete(number);
      timer.act();
    }
    this.now = end;
  }

  private set(act: () => void, wait: number, every: number): number {
    this.timers.set((this.count += 1), { at: this.now + wait, every, act });
    return this.count;
  }
}

export const clock = new Clock();
Object.assign(globalThis, { CLOCK: clock });

/** A turn for everything that is under way on this machine: a request of our own arrives after those sent before it. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise<void>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const before = site.respond;
      site.respond = (one) => {
        if (one.request.url !== "/settled") return before ? before(one) : void arrived.push(one);
        site.respond = before;
        one.response.end();
      };
      http.get({ port, path: "/settled", agent: false }, (response) => response.resume().on("end", resolve)).on("error", reject);
    });
  }
}

/** Waits until something is so. Throws when it does not come about. */
export async function until(so: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!so()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await setImmediate();
  }
}
