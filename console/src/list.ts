/** A list of the API in memory: pages that were read with page tokens, of which only those near the visible rows keep their items. */
import { ask, Failure, waitAfter, type Call } from "./api.ts";
import { learn } from "./names.ts";
import type { Pagination } from "./wire.ts";

interface Page<T> {
  token: string | null;
  start: number;
  count: number;
  items: readonly T[] | null;
}

const PAGE = 100;
// Pages on each side of the visible rows whose items are kept.
const NEAR = 3;

export class List<T> {
  pages: Page<T>[] = [];
  next: string | null = null;
  started = false;
  failure: Failure | undefined;
  /** When a response was read last. */
  readAt: number | undefined;
  private reading: AbortController | undefined;
  private failures = 0;

  /** `names`: the ids in an item that people know by a name; the names of a page are asked for once it is read. */
  constructor(
    private readonly call: Call,
    private readonly member: string,
    private readonly names: (item: T) => readonly string[],
    public changed: () => void,
  ) {}

  get length(): number {
    const last = this.pages.at(-1);
    return last ? last.start + last.count : 0;
  }

  get whole(): boolean {
    return this.started && this.next === null;
  }

  at(index: number): T | undefined {
    const page = this.pages.find((one) => index < one.start + one.count);
    return page?.items?.[index - page.start];
  }

  get busy(): boolean {
    return this.reading !== undefined;
  }

  /** The current index of the row that was at `index`: rows above it may have been added or removed. */
  place(index: number, is: (item: T) => boolean): number {
    const here = this.at(index);
    if (here === undefined || is(here)) return index;
    for (const page of this.pages) {
      const at = page.items?.findIndex(is) ?? -1;
      if (at >= 0) return page.start + at;
    }
    return index;
  }

  /** Fetches missing pages for the rows from `first` to `last`, one at a time, and drops pages that are far away. */
  async need(first: number, last: number): Promise<void> {
    const middle = this.pages.findIndex((page) => first < page.start + page.count);
    for (const [number, page] of this.pages.entries()) {
      if (middle >= 0 && Math.abs(number - middle) > NEAR) page.items = null;
    }
    if (this.reading || this.failure) return;
    const missing = this.pages.find((page) => !page.items && page.start <= last && page.start + page.count > first);
    if (missing) await this.read(missing.token, (items) => this.fill(missing, items));
    else if (!this.started || (this.next !== null && last >= this.length - PAGE / 4)) {
      const token = this.started ? this.next : null;
      await this.read(token, (items, next) => {
        this.pages.push({ token, start: this.length, count: items.length, items });
        this.next = next;
        this.started = true;
      });
    }
  }

  /** Fetches the first page again; the others are fetched when they are needed. */
  async top(): Promise<void> {
    this.reading?.abort();
    this.reading = undefined;
    this.failure = undefined;
    await this.read(null, (items, next) => {
      this.pages = [{ token: null, start: 0, count: items.length, items }];
      this.next = next;
      this.started = true;
    });
  }

  /** Reads again what is visible: the top, or the pages with the rows from `first` to `last`. */
  async refresh(first: number, last: number): Promise<void> {
    if (first === 0) return this.top();
    for (const page of this.pages.filter((one) => one.items && one.start < last && one.start + one.count > first)) {
      if (this.reading || this.failure) return;
      await this.read(page.token, (items) => this.fill(page, items));
    }
  }

  leave(): void {
    this.reading?.abort();
    this.reading = undefined;
  }

  again(): void {
    this.failure = undefined;
    this.changed();
  }

  /** Stores a dropped page that was fetched again, perhaps with fewer rows than before. */
  private fill(page: Page<T>, items: readonly T[]): void {
    const lost = page.count - items.length;
    page.items = items;
    page.count = items.length;
    for (const later of this.pages.slice(this.pages.indexOf(page) + 1)) later.start -= lost;
  }

  private async read(token: string | null, take: (items: readonly T[], next: string | null) => void): Promise<void> {
    const reading = (this.reading = new AbortController());
    const call = paged(this.call, token);
    try {
      const answer = await ask<{ pagination: Pagination } & Record<string, readonly T[]>>(call, reading.signal);
      if (this.reading !== reading) return;
      const items = answer[this.member]!;
      this.failures = 0;
      this.readAt = Date.now();
      take(items, answer.pagination.next);
      const ids = items.flatMap(this.names);
      if (ids.length) void learn(ids);
    } catch (error) {
      if (!(error instanceof Failure)) return;
      this.failure = error;
      this.failures += 1;
      if (error.passing) setTimeout(() => this.failure === error && this.again(), waitAfter(this.failures, error));
    } finally {
      if (this.reading === reading) {
        this.reading = undefined;
        this.changed();
      }
    }
  }
}

function paged(call: Call, token: string | null): Call {
  if (call.method === "POST") {
    const more = token ? { pageSize: PAGE, pageToken: token } : { pageSize: PAGE };
    return { ...call, body: { ...(call.body as object), ...more } };
  }
  return { ...call, query: { ...call.query, pageSize: PAGE, pageToken: token ?? undefined } };
}
