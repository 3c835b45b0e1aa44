/** Watching an operation change: by its event stream (WHATWG HTML, server-sent events), by asking where none comes. */

import { passing } from "./errors.js";
import { type Http, sleep } from "./http.js";
import { dated } from "./shapes.js";
import type { Operation, RequestOptions } from "./types.js";

/** The server says something every 15 seconds; silence means that something between holds the stream back. */
const LONGEST_SILENCE = 20;
/** After so many streams in a row that brought nothing, we only ask. */
const MOST_EMPTY_STREAMS = 3;
const PAUSE = 1;

/** Each new state of the operation, until the final one. */
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
      // A stream that is opened again starts with the present state.
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

/** The data of each event of one stream, until it ends or breaks. */
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
