/**
 * A list of the API of any length. Pages are fetched with page tokens while the user scrolls. Only visible rows are in
 * the DOM, and
 * only pages near them in memory: a million rows cost as much as fifty.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ask, Failure, type Call } from "./api.ts";
import { useKeys } from "./keys.ts";
import { count, Skeleton, Trouble } from "./marks.tsx";
import type { Pagination } from "./wire.ts";

export interface Column<T> {
  name: string;
  /** `main` takes the remaining width; `extra` is hidden first on a narrow screen; `wide` needs much width. */
  kind?: "main" | "extra" | "wide" | "number" | "number extra" | "bar" | "act";
  cell: (item: T, index: number) => ComponentChildren;
}

interface Page<T> {
  token: string | null;
  start: number;
  count: number;
  items: readonly T[] | null;
}

interface Props<T> {
  label: string;
  /** The request for the list, without a page token; another request is another list. */
  call: Call;
  member: string;
  id: (item: T) => string;
  open?: (item: T) => void;
  columns: readonly Column<T>[];
  /** Shown when the list is empty. */
  empty: ComponentChildren;
  /** Milliseconds after which the top of the list is fetched again, while the top is visible. */
  every?: number;
  /** When this number changes, the list is fetched again from the top. */
  round?: number;
}

const PAGE = 100;
const OVERSCAN = 12;
// Pages on each side of the visible rows whose items are kept.
const NEAR = 3;
// Milliseconds before a retry, unless Retry-After is longer.
const AGAIN = 4000;

class List<T> {
  pages: Page<T>[] = [];
  next: string | null = null;
  started = false;
  failure: Failure | undefined;
  private reading: AbortController | undefined;

  constructor(
    private readonly call: Call,
    private readonly member: string,
    private readonly changed: () => void,
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

  leave(): void {
    this.reading?.abort();
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
      if (this.reading === reading) take(answer[this.member]!, answer.pagination.next);
    } catch (error) {
      if (!(error instanceof Failure)) return;
      this.failure = error;
      if (error.passing) setTimeout(() => this.failure === error && this.again(), Math.max(AGAIN, error.retryAfter * 1000));
    } finally {
      if (this.reading === reading) {
        this.reading = undefined;
        this.changed();
      }
    }
  }
}

export function Rows<T>(props: Props<T>): JSX.Element {
  const { list, first, last, height, table } = useList(props);
  const call = JSON.stringify(props.call);
  const [chosen, choose] = useState({ call, index: -1, id: "" });
  const active = chosen.call === call ? list.place(chosen.index, (item) => props.id(item) === chosen.id) : -1;
  const setActive = (index: number) => {
    const item = list.at(index);
    choose({ call, index, id: item === undefined ? "" : props.id(item) });
  };
  const focus = useRef(false);
  const move = (to: number) => {
    const index = Math.max(0, Math.min(list.length - 1, to));
    if (!list.length) return;
    focus.current = true;
    setActive(index);
    reveal(table.current!, index, height);
  };
  const step = (by: number) => () => move(active + by);
  useKeys({
    j: step(1),
    k: step(-1),
    ArrowDown: step(1),
    ArrowUp: step(-1),
    Home: () => move(0),
    Enter: () => {
      const item = list.at(active);
      if (item !== undefined) props.open?.(item);
    },
  });
  useLayoutEffect(() => {
    // The row of a page that is fetched again gets a new element: the focus waits for that element.
    if (!focus.current || list.at(active) === undefined) return;
    const row = table.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    const target = row?.querySelector<HTMLElement>("[data-row]") ?? row;
    if (!target) return;
    focus.current = false;
    target.focus({ preventScroll: true });
  });
  if (list.started && !list.length && !list.failure) return <div class="empty">{props.empty}</div>;
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  return (
    <div class="rows" ref={table}>
      <table aria-label={props.label} aria-rowcount={list.whole ? list.length + 1 : -1} aria-busy={!list.started}>
        <Heads columns={props.columns} />
        <tbody>
          {first > 0 && <Space rows={first} height={height} columns={props.columns.length} />}
          {rows.map((index) => {
            const item = list.at(index);
            return (
              <tr
                key={item === undefined ? `at ${index}` : props.id(item)}
                data-index={index}
                aria-rowindex={index + 2}
                tabIndex={-1}
                class={index === active ? "active" : ""}
                onFocusCapture={() => setActive(index)}
                onClick={(event) => {
                  const on = event.target instanceof Element && event.target.closest("a, button, input, label");
                  if (!on && item !== undefined && !getSelection()?.toString()) props.open?.(item);
                }}
              >
                {props.columns.map((column) => (
                  <td key={column.name} class={column.kind}>
                    {item === undefined ? <span class="bone" /> : column.cell(item, index)}
                  </td>
                ))}
              </tr>
            );
          })}
          {last < list.length && <Space rows={list.length - last} height={height} columns={props.columns.length} />}
        </tbody>
      </table>
      {list.failure && <Trouble failure={list.failure} again={() => list.again()} />}
      {!list.whole && !list.failure && <Skeleton lines={list.started ? 2 : 8} />}
      {list.whole && list.length > 20 && <p class="quiet end">{count(list.length)} in all</p>}
    </div>
  );
}

/** Keeps a list and the range of its visible rows. */
function useList<T>(props: Props<T>) {
  const [, render] = useState(0);
  const [sight, setSight] = useState({ first: 0, last: 0 });
  const table = useRef<HTMLDivElement>(null);
  const key = `${JSON.stringify(props.call)} ${props.round ?? 0}`;
  const kept = useRef<{ key: string; list: List<T> } | undefined>(undefined);
  if (kept.current?.key !== key) {
    kept.current?.list.leave();
    kept.current = { key, list: new List<T>(props.call, props.member, () => render((before) => before + 1)) };
  }
  const { list } = kept.current;
  const height = useRowHeight();
  const last = Math.min(list.length, sight.last);
  const first = Math.max(0, Math.min(sight.first, last));
  useEffect(() => {
    const look = () => {
      const top = table.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / height) - OVERSCAN);
      const to = from + Math.ceil(innerHeight / height) + 2 * OVERSCAN;
      setSight((before) => (before.first === from && before.last === to ? before : { first: from, last: to }));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [height, list.length > 0]);
  useEffect(() => void list.need(sight.first, sight.last));
  useEffect(() => () => kept.current?.list.leave(), []);
  useEffect(() => {
    if (!props.every) return;
    const timer = setInterval(() => {
      if (!document.hidden && sight.first === 0 && list.started && !list.busy) void list.top();
    }, props.every);
    return () => clearInterval(timer);
  }, [props.every, list, sight.first === 0]);
  return { list, first, last, height, table };
}

/** The names of the columns; the name of a column of buttons is for screen readers only. */
export function Heads<T>({ columns }: { columns: readonly Column<T>[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {columns.map((column) => (
          <th key={column.name} scope="col" class={column.kind}>
            <span class={column.kind === "act" ? "unseen" : ""}>{column.name}</span>
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Space(props: { rows: number; height: number; columns: number }): JSX.Element {
  return (
    <tr class="space" aria-hidden="true">
      <td colSpan={props.columns} style={{ height: `${props.rows * props.height}px` }} />
    </tr>
  );
}

/** The height of a row, larger on narrow screens. style.css has the same two values. */
function useRowHeight(): number {
  const narrow = matchMedia("(max-width: 40rem)");
  const [height, setHeight] = useState(narrow.matches ? 56 : 36);
  useEffect(() => {
    const change = () => setHeight(narrow.matches ? 56 : 36);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return height;
}

/** Scrolls until a row is visible, below the sticky head of the table. */
function reveal(table: HTMLElement, index: number, height: number): void {
  const top = table.getBoundingClientRect().top + (index + 1) * height;
  const room = 2 * height;
  if (top < room) scrollBy({ top: top - room });
  else if (top + height > innerHeight) scrollBy({ top: top + 2 * height - innerHeight });
}

function paged(call: Call, token: string | null): Call {
  if (call.method === "POST") {
    const more = token ? { pageSize: PAGE, pageToken: token } : { pageSize: PAGE };
    return { ...call, body: { ...(call.body as object), ...more } };
  }
  return { ...call, query: { ...call.query, pageSize: PAGE, pageToken: token ?? undefined } };
}
