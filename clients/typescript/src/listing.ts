/** Lists: `await` one page, or iterate over all items. */

import { UnexpectedAnswer } from "./errors.js";
import type { Page } from "./types.js";

/**
 * The result of a list call. `await` returns its first page; `for await` iterates over every item of every page, or
 * over `pages()`. No request is sent before that. Each `for await` starts again, at the `pageToken` of the call if
 * there is one.
 *
 * A listing is a promise: an async function that returns a listing returns its first page.
 */
export class Listing<P extends Page, Item> implements Promise<P>, AsyncIterable<Item> {
  readonly [Symbol.toStringTag] = "Listing";
  readonly #fetch: (pageToken: string | undefined) => Promise<P>;
  readonly #items: (page: P) => readonly Item[];
  readonly #start: string | undefined;
  #first: Promise<P> | undefined;

  constructor(
    fetch: (pageToken: string | undefined) => Promise<P>,
    items: (page: P) => readonly Item[],
    start: string | undefined,
  ) {
    this.#fetch = fetch;
    this.#items = items;
    this.#start = start;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* this.#items(page);
  }

  async *pages(): AsyncGenerator<P, void, undefined> {
    let token: string | null | undefined = this.#start;
    do {
      const page: P = await this.#fetch(token);
      // Such a list would never end.
      if (page.pagination.next === token) throw new UnexpectedAnswer("the next page of the list is the same page");
      yield page;
      token = page.pagination.next;
    } while (token !== null);
  }

  // The methods of Promise: all use the first page, which is fetched once.

  then<A = P, B = never>(
    fulfilled?: ((page: P) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<P | B> {
    return this.#page().catch(rejected);
  }

  finally(settled?: (() => void) | null): Promise<P> {
    return this.#page().finally(settled);
  }

  #page(): Promise<P> {
    this.#first ??= this.#fetch(this.#start);
    return this.#first;
  }
}
