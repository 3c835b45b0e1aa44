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
/** An operation has some hundred characters: what is much longer is another program's stream. */
const LONGEST_EVENT = 2 ** 20;

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
      const operation = decoded(state);
      // Another program's stream, such as a proxy's: a further one would not help.
      streams = operation ? MOST_EMPTY_STREAMS + 1 : 0;
      if (!operation) break;
      heard = Date.now();
      // A new stream starts with the current state, which may be known already.
      if (state === seen) continue;
      seen = state;
      yield operation;
      if (operation.status !== "PROCESSING") return;
    }
    streams -= 1;
    try {
      const { body, text } = await http.json({ method: "GET", path, options });
      const operation = dated<Operation>(body);
      heard = Date.now();
      if (text !== seen) yield operation;
      seen = text;
      if (operation.status !== "PROCESSING") return;
    } catch (error) {
      if (!seen || !passing(error) || Date.now() - heard > patience) throw error;
    }
    await sleep((Math.random() + 1) * 0.5 * PAUSE, options?.abortSignal);
  }
}

function decoded(state: string): Operation | undefined {
  try {
    return dated<Operation>(JSON.parse(state));
  } catch {
    return undefined;
  }
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
  let size = 0;
  try {
    for await (const piece of http.stream(call, LONGEST_SILENCE)) {
      size += piece.length;
      if (size > LONGEST_EVENT) return;
      rest += piece;
      if (!piece.includes("\n")) continue;
      const lines = rest.split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice("data:".length).trimStart());
        if (line === "") size = 0;
        if (line !== "" || !data.length) continue;
        yield data.join("\n");
        data = [];
      }
    }
  } catch (error) {
    if (!passing(error)) throw error;
  }
}
