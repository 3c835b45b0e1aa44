/** Watches an operation by its event stream (WHATWG HTML, server-sent events); polls where streams do not work. */

import { passing } from "./errors.js";
import { type Http, sleep } from "./http.js";
import { dated } from "./shapes.js";
import type { Operation, RequestOptions } from "./types.js";

/** The server sends something every 15 seconds; a longer silence means that a proxy buffers the stream. */
const LONGEST_SILENCE = 20;
/** After this many consecutive streams without an event, the client only polls. */
const MOST_EMPTY_STREAMS = 3;
const PAUSE = 1;

/** Yields each new state of the operation, until the final one. */
export async function* operations(
  http: Http,
  path: string,
  options: RequestOptions | undefined,
): AsyncGenerator<Operation, void, undefined> {
  const patience = (options?.timeoutInSeconds ?? http.timeoutInSeconds) * 1000;
  let seen = "";
  let heard = Date.now();
  let streams = MOST_EMPTY_STREAMS;
  for (;;) {
    for await (const state of streams > 0 ? streamed(http, path, options) : []) {
      heard = Date.now();
      streams = MOST_EMPTY_STREAMS + 1;
      // A new stream starts with the current state, which may be known already.
      if (state === seen) continue;
      seen = state;
      yield dated<Operation>(JSON.parse(state));
      if (final(state)) return;
    }
    streams -= 1;
    try {
      const state = JSON.stringify((await http.json({ method: "GET", path, options })).body);
      heard = Date.now();
      if (state !== seen) yield dated<Operation>(JSON.parse((seen = state)));
      if (final(state)) return;
    } catch (error) {
      if (!seen || !passing(error) || Date.now() - heard > patience) throw error;
    }
    await sleep((Math.random() + 1) * 0.5 * PAUSE, options?.abortSignal);
  }
}

function final(state: string): boolean {
  return (JSON.parse(state) as Operation).status !== "PROCESSING";
}

/** The data of each event of one stream, until the stream ends or breaks. */
async function* streamed(
  http: Http,
  path: string,
  options: RequestOptions | undefined,
): AsyncGenerator<string, void, undefined> {
  const call = { method: "GET", path, headers: { Accept: "text/event-stream" }, options } as const;
  let rest = "";
  let data: string[] = [];
  try {
    for await (const piece of http.stream(call, LONGEST_SILENCE)) {
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice("data:".length).trimStart());
        if (line !== "" || !data.length) continue;
        yield data.join("\n");
        data = [];
      }
    }
  } catch (error) {
    if (!passing(error)) throw error;
  }
}
