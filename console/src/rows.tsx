/**
 * A list of the API, however long. Pages are read by the API's own tokens as one comes near them; only the rows in sight are in
 * the page, and only the pages around them in memory, so a million rows weigh what fifty do.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ask, Failure, type Call } from "./api.ts";
import { useKeys } from "./keys.ts";
import { count, Skeleton, Trouble } from "./marks.tsx";
import type { Pagination } from "./wire.ts";

export interface Column<T> {
  name: string;
  /** `main` takes the room that is left; `extra` goes first when there is little, `wide` needs much. */
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
  /** The list without its token; another call is another list. */
  call: Call;
  member: string;
  id: (item: T) => string;
  open?: (item: T) => void;
  columns: readonly Column<T>[];
  /** What to say when there is nothing. */
  empty: ComponentChildren;
  /** Milliseconds after which the top of the list is read again, while the top is what one looks at. */
  every?: number;
  /** Another number reads the list again from the top. */
  round?: number;
}

const PAGE = 100;
const OVERSCAN = 12;
// Pages on each side of what is in sight whose items are kept.
const NEAR = 3;
// A read that fails for a passing reason is made again after so many milliseconds, or after Retry-After when that is longer.
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

  /** Where the row is that was at `index`: others may have come or gone above it. */
  place(index: number, is: (item: T) => boolean): number {
    const here = this.at(index);
    if (here === undefined || is(here)) return index;
    for (const page of this.pages) {
      const at = page.items?.findIndex(is) ?? -1;
      if (at >= 0) return page.start + at;
    }
    return index;
  }

  /** Reads what is missing for the rows from `first` to `last`, one page at a time, and lets far ones go. */
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

  /** Reads the first page again; the rest follows when it is needed. */
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

  /** A page that was let go is back, maybe with fewer rows than it had. */
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
    // A row whose page is read again becomes another element with its data: the focus waits for that one.
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

/** Keeps a list and the rows of it that are in sight. */
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

/** The names of the columns; that of a column of buttons is for those who cannot see them. */
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

/** Rows are higher where there is no room for all columns beside each other: style.css has the same two figures. */
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

/** Scrolls so that a row is in sight, below the head of the table that stays on top. */
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
