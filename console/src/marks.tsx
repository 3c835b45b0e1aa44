/** Parts that every screen shows the same way: numbers, ids, states, tags, failures. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Failure, urlOf, type Call } from "./api.ts";
import { curlOf } from "./copies.ts";
import { isMoved, ROOT } from "./route.ts";
import type { Operation, Stats, Tags } from "./wire.ts";

export { lasting, local, Time, took } from "./times.tsx";

// Characters of a text that the hint of its button shows.
const MOST_HINT = 1000;
const NUMBERS = new Intl.NumberFormat("en");

export function count(value: number, more = false): string {
  return NUMBERS.format(value) + (more ? "+" : "");
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The end of an id: the place on the screen shows its type, and the end is enough to tell ids apart. */
export function Id({ id }: { id: string }): JSX.Element {
  return (
    <code class="id" title={id}>
      …{id.slice(-10)}
    </code>
  );
}

/** The end of an id, or all of it, with a button that copies it. */
export function CopiedId({ id, whole = false, of = "id" }: { id: string; whole?: boolean; of?: string }): JSX.Element {
  return (
    <span class="id-copy">
      {whole ? <code class="id">{id}</code> : <Id id={id} />}
      <CopyId id={id} of={of} row={!whole} />
    </span>
  );
}

/** In a row the button is not a stop of the Tab key, which would need fifty of them to leave a list: the key `c` copies. */
function CopyId({ id, of, row }: { id: string; of: string; row: boolean }): JSX.Element {
  const { done, copy } = useCopy(id);
  return (
    <button
      type="button"
      class="copy-id"
      data-copy-id={id}
      tabIndex={row ? -1 : 0}
      aria-label={done ? "Copied" : `Copy ${of}`}
      title={done ? "Copied" : `Copy ${of}`}
      onClick={() => void copy()}
    >
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        {done ? <path d="M3 8.5l3.2 3.2L13 5" /> : <path d="M5.5 5.5h7v8h-7zM3.5 10.5v-8h7" />}
      </svg>
    </button>
  );
}

export function State({ state }: { state: string }): JSX.Element {
  return <span class={`state ${state.toLowerCase().replace("_", "-")}`}>{state.replace("_", " ").toLowerCase()}</span>;
}

/** The status of a response. */
export function HttpStatus({ status }: { status: number }): JSX.Element {
  return <span class={`state ${status >= 400 ? "failed" : "completed"}`}>{status}</span>;
}

export function TagList({ tags }: { tags: Tags }): JSX.Element {
  return (
    <span class="tags">
      {Object.entries(tags).map(([key, value]) => (
        <span class="tag" key={key}>
          {key}
          <b>{value}</b>
        </span>
      ))}
    </span>
  );
}

/** Tags from a CSV's `k=v;k=v`; null when the text has another form. */
export function parseTags(text: string): Record<string, string> | null {
  const parts = text.split(";").map((part) => part.trim()).filter(Boolean);
  const pairs = parts.map((part) => part.split("=").map((side) => side.trim()));
  if (pairs.some((pair) => pair.length !== 2 || !pair.every((side) => /^[a-zA-Z0-9._~-]+$/.test(side)))) return null;
  if (pairs.length > 10 || new Set(pairs.map(([key]) => key)).size < pairs.length) return null;
  return Object.fromEntries(pairs as [string, string][]);
}

export function writeTags(tags: Tags): string {
  return Object.entries(tags).map(([key, value]) => `${key}=${value}`).join("; ");
}

/** The progress of an operation: created, failed and queued as parts of one bar. */
export function Progress({ operation, numbers = false }: { operation: Operation; numbers?: boolean }): JSX.Element {
  const { stats } = operation;
  const part = (value: number) => ({ width: `${stats.total ? (value / stats.total) * 100 : 0}%` });
  const done = stats.created + stats.failed;
  return (
    <span class="progress-line">
      <span
        class={`progress ${operation.status.toLowerCase()}`}
        role="progressbar"
        aria-label="Items done"
        aria-valuemin={0}
        aria-valuemax={stats.total}
        aria-valuenow={done}
        aria-valuetext={`${count(done)} of ${count(stats.total)}, ${count(stats.failed)} failed`}
        title={`${count(stats.created)} created, ${count(stats.failed)} failed, ${count(stats.queued)} queued`}
      >
        <span class="created" style={part(stats.created)} />
        <span class="failed" style={part(stats.failed)} />
      </span>
      {numbers && <Counters stats={stats} />}
    </span>
  );
}

export function Counters({ stats }: { stats: Stats }): JSX.Element {
  return (
    <span class="counters">
      {(["created", "failed", "queued"] as const).map((name) => (
        <span class={`counter ${name}${stats[name] ? "" : " none"}`} key={name}>
          <b>{count(stats[name])}</b> {name}
        </span>
      ))}
    </span>
  );
}

/** The failure of a request: the message, every problem with its place, and the request id, which is also in the server's log. */
export function Trouble({ failure, again }: { failure: Failure; again?: () => void }): JSX.Element {
  const several = failure.problems.length > 1 || failure.problems.some((one) => one.context);
  return (
    <div class="trouble" role="alert">
      <p>
        <b>{failure.status ? `${failure.status}` : "No response"}</b> {failure.message}
      </p>
      {several && (
        <ul>
          {failure.problems.map((problem, index) => (
            <li key={index}>
              {problem.context && <code>{problem.context}</code>} {problem.message}
            </li>
          ))}
        </ul>
      )}
      <p class="quiet">
        {failure.requestId && (
          <>
            Request <code>{failure.requestId}</code>
            {" · "}
          </>
        )}
        {failure.code && (
          <>
            <a href={docs(`errors#${failure.code}`)}>What {failure.code} means</a>
            {again && " · "}
          </>
        )}
        {again && (
          <button class="link" onClick={again}>
            Try again
          </button>
        )}
        {again && failure.passing && <> · it is tried again by itself</>}
      </p>
    </div>
  );
}

/** A placeholder until data has arrived. */
export function Skeleton({ lines = 3 }: { lines?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

export function docs(page: string): string {
  return new URL(`docs/${page}`, ROOT).href;
}

/**
 * The top of a screen: its name, its actions, the API request behind it, and the page that explains it. `name` is the
 * title of the browser's tab, when it is not the text of the heading.
 */
export function Head(props: {
  title: ComponentChildren;
  name?: string;
  call: Call;
  page: string;
  children?: ComponentChildren;
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  const name = props.name ?? (typeof props.title === "string" ? props.title : "");
  useEffect(() => {
    document.title = `${name} · Signalbox`;
  }, [name]);
  // A screen shows another head when its data arrives: the focus goes on to the new heading.
  useLayoutEffect(() => {
    if (isMoved() && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <header class="head">
      <h1 tabIndex={-1} ref={heading}>
        {props.title}
      </h1>
      <div class="actions">{props.children}</div>
      <Behind call={props.call} page={props.page} />
    </header>
  );
}

/** An API request to look at, to copy as a line of curl, and to read about. */
export function Behind({ call, page }: { call: Call; page: string }): JSX.Element {
  const { pathname, search } = new URL(urlOf(call));
  const shown = decodeURIComponent(pathname.slice(ROOT.pathname.length - 1));
  return (
    <p class="behind">
      <a href={docs(page)} title="What the documentation says about it">
        <code>
          {call.method ?? "GET"} {shown}
          {search}
        </code>
      </a>
      <Copy text={curlOf(call)} label="curl" />
      <a href={docs(page)}>Docs</a>
    </p>
  );
}

export function Copy({ text, label }: { text: string; label: string }): JSX.Element {
  const { done, copy } = useCopy(text);
  const hint = text.length > MOST_HINT ? `${text.slice(0, MOST_HINT)}…` : text;
  return (
    <button class="copy" onClick={() => void copy()} title={hint} data-copy={text}>
      {done ? "Copied" : `Copy ${label}`}
    </button>
  );
}

function useCopy(text: string): { done: boolean; copy: () => Promise<void> } {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Over plain HTTP on another host, browsers give pages no clipboard API; `execCommand` still works.
      const before = document.activeElement;
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      if (before instanceof HTMLElement) before.focus();
    }
    setDone(true);
  };
  return { done, copy };
}
