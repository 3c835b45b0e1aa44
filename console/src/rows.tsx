/**
 * A list of the API of any length. Pages are fetched with page tokens while the user scrolls. Only visible rows are in
 * the DOM, and
 * only pages near them in memory: a million rows cost as much as fifty.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Call } from "./api.ts";
import { useReturn, useShown } from "./connection.ts";
import { useNarrow } from "./filters.tsx";
import { useKeys } from "./keys.ts";
import { List } from "./list.ts";
import { count, Skeleton, Trouble } from "./marks.tsx";
import { comingBack, focused } from "./route.ts";

export interface Column<T> {
  name: string;
  /** `main` takes the remaining width; `extra` is hidden first on a narrow screen; `wide` and `huge` need much width. */
  kind?: "main" | "extra" | "wide" | "number" | "number extra" | "number wide" | "huge" | "bar" | "act";
  cell: (item: T, index: number) => ComponentChildren;
}

interface Props<T> {
  label: string;
  /** The request for the list, without a page token; another request is another list. */
  call: Call;
  member: string;
  id: (item: T) => string;
  /** The ids of an item that have names: see names.ts. */
  names?: (item: T) => readonly string[];
  open?: (item: T) => void;
  columns: readonly Column<T>[];
  /** Shown when the list is empty. */
  empty: ComponentChildren;
  /** Milliseconds after which what is visible is fetched again, while the page is visible. */
  every?: number;
  /** Called with the first page whenever it was read. */
  top?: (items: readonly T[]) => void;
  /** When this number changes, the list is fetched again from the top. */
  round?: number;
}

const OVERSCAN = 12;
const NOTHING = () => [];

/** A list that the user left, to show it again as it was when the user comes back. */
interface Left {
  key: string;
  list: List<unknown>;
  scroll: number;
  chosen: { call: string; index: number; id: string };
}
const left = new Map<string, Left>();

/** Forgets the lists that the user left: those of another account are nothing for this one. */
export function forgetLists(): void {
  left.clear();
}

export function Rows<T>(props: Props<T>): JSX.Element {
  const call = JSON.stringify(props.call);
  const { list, first, last, height, table, chosen, choose } = useList(props, call);
  const active = chosen.call === call ? list.place(chosen.index, (item) => props.id(item) === chosen.id) : -1;
  const setActive = (index: number) => {
    const item = list.at(index);
    choose({ call, index, id: item === undefined ? "" : props.id(item) });
  };
  const focus = useRef(chosen.index >= 0);
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
    c: () => table.current?.querySelector<HTMLElement>(`[data-index="${active}"] [data-copy-id]`)?.click(),
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
                  if (on || item === undefined || getSelection()?.toString()) return;
                  setActive(index);
                  props.open?.(item);
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
      {list.failure && (list.failure.status > 0 || !list.started) && (
        <Trouble failure={list.failure} again={() => list.again()} />
      )}
      {!list.whole && !list.failure && <Skeleton lines={list.started ? 2 : 8} />}
      {list.whole && list.length > 20 && <p class="quiet end">{count(list.length)} in all</p>}
    </div>
  );
}

/** Keeps a list, the range of its visible rows and the chosen row; all three are as the user left them after a return. */
function useList<T>(props: Props<T>, call: string) {
  const [, render] = useState(0);
  const [sight, setSight] = useState({ first: 0, last: 0 });
  const table = useRef<HTMLDivElement>(null);
  const key = `${call} ${props.round ?? 0}`;
  const [before] = useState(() => (comingBack() ? left.get(props.label) : undefined));
  const again = before?.key === key ? before : undefined;
  const [chosen, choose] = useState(again?.chosen ?? { call, index: -1, id: "" });
  const kept = useRef<{ key: string; list: List<T> } | undefined>(undefined);
  if (kept.current?.key !== key) {
    kept.current?.list.leave();
    const list = again && !kept.current ? (again.list as List<T>) : new List<T>(props.call, props.member, props.names ?? NOTHING, NOTHING);
    list.changed = () => render((one) => one + 1);
    kept.current = { key, list };
  }
  const { list } = kept.current;
  const height = useRowHeight();
  const last = Math.min(list.length, sight.last);
  const first = Math.max(0, Math.min(sight.first, last));
  const latest = useRef({ sight, chosen });
  latest.current = { sight, chosen };
  // The page is scrolled to its top before the next screen replaces this one: the place is kept by the event of a scroll.
  const scrolled = useRef(0);
  useEffect(() => {
    const look = () => {
      scrolled.current = scrollY;
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
  useLayoutEffect(() => {
    if (!again) return;
    scrollTo(0, again.scroll);
    focused(again.chosen.index >= 0);
    void again.list.refresh(...range(latest.current.sight));
  }, []);
  useEffect(
    () => () => {
      const { list: last, key: now } = kept.current!;
      last.leave();
      last.changed = () => undefined;
      left.set(props.label, { key: now, list: last as List<unknown>, scroll: scrolled.current, chosen: latest.current.chosen });
    },
    [],
  );
  useShown(props.every ? list.readAt : undefined);
  const topItems = list.pages[0]?.items;
  useEffect(() => void (topItems && props.top?.(topItems)), [topItems]);
  const refresh = () => {
    const { sight: seen } = latest.current;
    if (!document.hidden && list.started && !list.busy && !list.failure) void list.refresh(...range(seen));
  };
  useReturn(() => {
    if (list.failure) list.again();
    refresh();
  });
  useEffect(() => {
    if (!props.every) return;
    const timer = setInterval(refresh, props.every);
    // Whoever comes back to the tab sees what is so now.
    const seen = () => Date.now() - (list.readAt ?? 0) > props.every! && refresh();
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [props.every, list]);
  return { list, first, last, height, table, chosen, choose };
}

function range({ first, last }: { first: number; last: number }): [number, number] {
  return [first, last];
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
  return useNarrow() ? 56 : 36;
}

/** Scrolls until a row is visible, below the sticky head of the table. */
function reveal(table: HTMLElement, index: number, height: number): void {
  const top = table.getBoundingClientRect().top + (index + 1) * height;
  const room = 2 * height;
  if (top < room) scrollBy({ top: top - room });
  else if (top + height > innerHeight) scrollBy({ top: top + 2 * height - innerHeight });
}
