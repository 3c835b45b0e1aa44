/** Contents with variables, that messages can be made of. */

import { type Http, segment } from "./http.js";
import { Listing } from "./listing.js";
import { dated, pageOf, resource, shaped } from "./shapes.js";
import type {
  ChangeOptions,
  Created,
  Paging,
  PutTemplate,
  RequestOptions,
  ResourceReference,
  Template,
  TemplatePage,
} from "./types.js";

const ROOT = "/signalbox/v1/Templates";

export class Templates {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The account's templates, newest first. */
  list(request: Created & Paging = {}, options?: RequestOptions): Listing<TemplatePage, Template> {
    const fetch = async (pageToken?: string): Promise<TemplatePage> => {
      const query = { ...request, pageToken };
      return pageOf(await this.#http.json({ method: "GET", path: ROOT, query, options }), "templates", dated<Template>);
    };
    return new Listing(fetch, (page) => page.templates, request.pageToken);
  }

  /** Enters a template, whose id the server makes; `put` is the one that can be repeated. */
  async create(request: PutTemplate, options?: RequestOptions): Promise<Template> {
    return resource(await this.#http.json({ method: "POST", path: ROOT, json: request, options }));
  }

  /** Enters a template under an id, `HX` and 32 hex digits, or replaces the one that has it. */
  async put(contentId: string, request: PutTemplate, options?: ChangeOptions): Promise<Template> {
    const headers = { "If-Match": options?.ifMatch };
    const path = templatePath(contentId);
    return resource(await this.#http.json({ method: "PUT", path, json: request, headers, options }));
  }

  async fetch(contentId: string, options?: RequestOptions): Promise<Template> {
    return resource(await this.#http.json({ method: "GET", path: templatePath(contentId), options }));
  }

  /** Deletes the template; what was sent of it keeps its text. */
  async delete(contentId: string, options?: ChangeOptions): Promise<ResourceReference> {
    const headers = { "If-Match": options?.ifMatch };
    const { body } = await this.#http.json({ method: "DELETE", path: templatePath(contentId), headers, options });
    return shaped<ResourceReference>(body, "resourceId");
  }
}

function templatePath(contentId: string): string {
  return `${ROOT}/${segment(contentId)}`;
}
