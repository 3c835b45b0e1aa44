/** Inventory: enters, changes and removes senders. */

import { type Http, segment } from "./http.js";
import { resource, shaped } from "./shapes.js";
import type {
  ChangeOptions,
  Entered,
  EnterOptions,
  InventoryRow,
  ResourceReference,
  Sender,
  UpdateSender,
} from "./types.js";

const ROOT = "/signalbox/v1/Senders";

export class Inventory {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Enters 1 to 10,000 senders: rows, or text that is already JSON, NDJSON or CSV, as `media` says. Valid rows are
   * entered even if others are refused: check `refused`.
   */
  async enter(rows: readonly InventoryRow[] | string | Uint8Array, options: EnterOptions = {}): Promise<Entered> {
    const { media = "application/json", ...rest } = options;
    const ready = typeof rows === "string" || rows instanceof Uint8Array;
    const content = ready ? { body: rows, headers: { "Content-Type": media } } : { json: rows };
    const { body } = await this.#http.json({ method: "POST", path: ROOT, ...content, options: rest });
    return shaped<Entered>(body, "created", "updated", "refused");
  }

  async update(senderId: string, request: UpdateSender, options?: ChangeOptions): Promise<Sender> {
    const headers = { "If-Match": options?.ifMatch };
    const path = `${ROOT}/${segment(senderId)}`;
    return resource(await this.#http.json({ method: "PATCH", path, json: request, headers, options }));
  }

  /** Removes a sender from the inventory, and from every pool. */
  async delete(senderId: string, options?: ChangeOptions): Promise<ResourceReference> {
    const headers = { "If-Match": options?.ifMatch };
    const path = `${ROOT}/${segment(senderId)}`;
    const { body } = await this.#http.json({ method: "DELETE", path, headers, options });
    return shaped<ResourceReference>(body, "resourceId");
  }
}
