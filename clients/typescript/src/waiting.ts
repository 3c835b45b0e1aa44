/** Operations: fetched at once, when they are final, or after a wait. */

import { OperationTimeout, passing } from "./errors.js";
import { type Http, sleep } from "./http.js";
import type { MessageOperation } from "./message-types.js";
import { resource } from "./shapes.js";
import type { FetchOperationOptions, Operation, WaitOptions } from "./types.js";

/** Most seconds that one request waits for an operation: many proxies close a connection that is silent for longer. */
const LONGEST_WAIT = 25;
const PAUSE = 0.25;

/** The operation at this path: at once, or when it is final or `waitInSeconds` have passed. */
export async function operationAt<T extends Operation | MessageOperation>(
  http: Http,
  path: string,
  options: FetchOperationOptions = {},
): Promise<T> {
  const { waitInSeconds, ...rest } = options;
  const call = { method: "GET", path, options: rest } as const;
  if (waitInSeconds === undefined) return resource(await http.json(call));
  // The header has whole seconds, at most 60.
  if (Number.isNaN(waitInSeconds)) throw new TypeError("waitInSeconds must be a number");
  const wait = Math.floor(Math.min(60, Math.max(0, waitInSeconds)));
  return resource(await http.json({ ...call, headers: { Prefer: `wait=${wait}` }, extraSeconds: wait }));
}

/**
 * The operation when it is final. {@link OperationTimeout} when it is not final within `timeoutInSeconds` (60 if
 * absent). After the first response, also waits for a server that is unavailable.
 */
export async function finalOperation<T extends Operation | MessageOperation>(
  http: Http,
  path: string,
  { timeoutInSeconds = 60, abortSignal }: WaitOptions = {},
): Promise<T> {
  if (!(timeoutInSeconds >= 0)) throw new TypeError("timeoutInSeconds must be 0 or more");
  const end = Date.now() + timeoutInSeconds * 1000;
  let seen: T | undefined;
  for (;;) {
    const left = (end - Date.now()) / 1000;
    const options = seen ? { abortSignal, timeoutInSeconds: Math.max(left, 1) } : { abortSignal };
    try {
      seen = await operationAt<T>(http, path, { ...options, waitInSeconds: Math.min(LONGEST_WAIT, left - 1) });
    } catch (error) {
      if (!seen || !passing(error)) throw error;
    }
    if (seen.status !== "PROCESSING" && seen.status !== "SCHEDULED") return seen;
    const rest = (end - Date.now()) / 1000;
    if (rest <= 0) throw new OperationTimeout(seen, timeoutInSeconds);
    // A proxy may drop the request to wait, so that responses come at once.
    await sleep(Math.min(PAUSE, rest), abortSignal);
  }
}
