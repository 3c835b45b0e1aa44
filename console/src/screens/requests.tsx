import { Fragment, type JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { own, type Call, type Failure } from "../api.ts";
import { useKeys } from "../keys.ts";
import { CopiedId, docs, Head, HttpStatus, Skeleton, Time, took, Trouble } from "../marks.tsx";
import { comingBack, focused, go, href, set, type Params } from "../route.ts";
import { follow, type StreamState } from "../stream.ts";
import type { LoggedRequest } from "../wire.ts";

const CALL: Call = { path: "/signalbox/v1/Requests" };
// As many as the server keeps for an account.
const MOST = 500;
const KINDS: Readonly<Record<string, (request: LoggedRequest) => boolean>> = {
  all: () => true,
  refused: (request) => request.status >= 400,
  "server errors": (request) => request.status >= 500,
  warned: (request) => request.warnings.length > 0,
};

/** The list that the user left, to show it again as it was when the user comes back. */
interface Left {
  requests: readonly LoggedRequest[] | undefined;
  paused: boolean;
  /** The id of the request whose row had the focus last. */
  chosen: string;
}
let left: Left | undefined;

/** Forgets the list that the user left: that of another account is nothing for this one. */
export function forgetRequests(): void {
  left = undefined;
}

/** The request log of the account, live, newest first. */
export function RequestsScreen({ params }: { params: Params }): JSX.Element {
  const [before] = useState(() => (comingBack() ? left : undefined));
  const [paused, setPaused] = useState(before?.paused ?? false);
  const { requests, stream, failure } = useRequests(paused, before?.requests);
  const chosen = useRef(before?.chosen ?? "");
  useReturnToRow(chosen.current, before !== undefined);
  const latest = useRef({ requests, paused });
  latest.current = { requests, paused };
  useEffect(() => () => void (left = { ...latest.current, chosen: chosen.current }), []);
  const kind = params["show"] ?? "all";
  const mine = params["mine"] === "1";
  const shown = requests?.filter((one) => (mine || !own.has(one.requestId)) && (KINDS[kind] ?? KINDS["all"]!)(one));
  useKeys({ j: step(1), k: step(-1), ArrowDown: step(1), ArrowUp: step(-1), c: copyId });
  return (
    <>
      <Head title="Requests" call={{ ...CALL, headers: { accept: "text/event-stream" } }} page="request-log">
        <button onClick={() => setPaused(!paused)} aria-pressed={paused}>
          {paused ? "Go on" : "Pause"}
        </button>
      </Head>
      <div class="filters">
        {Object.keys(KINDS).map((one) => (
          <button key={one} class="tab" aria-pressed={kind === one} onClick={() => set({ show: one === "all" ? "" : one })}>
            {one}
          </button>
        ))}
        <label class="inline">
          <input type="checkbox" checked={mine} onChange={() => set({ mine: mine ? "" : "1" })} />
          those of this tab
        </label>
        {!failure && !paused && (
          <span class={`stream ${stream}`} data-stream={stream}>
            {{ waiting: "connecting", live: "live", broken: "connection lost, trying again" }[stream]}
          </span>
        )}
      </div>
      {failure && <Off failure={failure} />}
      {!requests && !failure && <Skeleton lines={8} />}
      {shown?.length === 0 && (
        <p class="empty">
          {requests?.length
            ? "No request that the server remembers fits."
            : "No requests yet: whatever a client of this account asks for will appear here at once."}
        </p>
      )}
      {shown && shown.length > 0 && <List requests={shown} choose={(id) => (chosen.current = id)} />}
    </>
  );
}

function Off({ failure }: { failure: Failure }): JSX.Element {
  if (failure.status !== 403) return <Trouble failure={failure} />;
  return (
    <div class="empty">
      <p>{failure.message}</p>
      <p>
        <a href={docs("configuration")}>Settings</a>
      </p>
    </div>
  );
}

function List(props: { requests: readonly LoggedRequest[]; choose: (id: string) => void }): JSX.Element {
  return (
    <div class="rows requests">
      <table aria-label="Requests, newest first">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Status</th>
            <th scope="col" class="main">
              Request
            </th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col" class="extra">
              Request id
            </th>
          </tr>
        </thead>
        <tbody>
          {props.requests.map((request) => (
            <Fragment key={request.requestId}>
              <Row request={request} choose={props.choose} />
              <Remarks request={request} choose={props.choose} />
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Shown {
  request: LoggedRequest;
  choose: (id: string) => void;
}

/** Opens a request by a click beside the links and buttons of its row. */
function open(event: MouseEvent, { request: { requestId: id }, choose }: Shown): void {
  choose(id);
  const on = event.target instanceof Element && event.target.closest("a, button");
  if (!on && !getSelection()?.toString()) go("request", { id });
}

function Row(props: Shown): JSX.Element {
  const { request } = props;
  const id = request.requestId;
  return (
    <tr class="opens" data-request={id} onFocusCapture={() => props.choose(id)} onClick={(event) => open(event, props)}>
      <td>
        <Time at={request.at} />
      </td>
      <td>
        <HttpStatus status={request.status} />
      </td>
      <td class="main" title={request.route}>
        <a data-row href={href("request", { id })}>
          <code>
            <b>{request.method}</b> {request.path}
            {request.query && `?${request.query}`}
          </code>
        </a>
      </td>
      <td class="number">{took(request.ms)}</td>
      <td class="extra">
        <CopiedId id={id} of="request id" />
      </td>
    </tr>
  );
}

function Remarks(props: Shown): JSX.Element | null {
  const { request } = props;
  if (!request.problems.length && !request.warnings.length) return null;
  return (
    <tr class="remarks" onClick={(event) => open(event, props)}>
      <td colSpan={5}>
        <ul>
          {request.problems.map((problem, index) => (
            <li key={index} class="bad">
              {problem.context && <code>{problem.context}</code>} {problem.message}
            </li>
          ))}
          {request.moreProblems > 0 && <li class="bad">and {request.moreProblems} more</li>}
          {request.warnings.map((warning) => (
            <li key={warning} class="warning">
              {warning}
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}

/** Puts the focus back on the row of a request when the user comes back to the list. */
function useReturnToRow(id: string, back: boolean): void {
  useLayoutEffect(() => {
    const row = back && id ? document.querySelector<HTMLElement>(`[data-request="${id}"] [data-row]`) : null;
    if (!row) return;
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
    focused(true);
  }, []);
}

/** The requests of the account, newest first, beginning with those that are known; none are added while paused. */
function useRequests(paused: boolean, known: readonly LoggedRequest[] | undefined) {
  const [requests, setRequests] = useState(known);
  const [stream, setStream] = useState<StreamState>("waiting");
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    if (paused) return;
    const leaving = new AbortController();
    const waiting: LoggedRequest[] = [];
    let frame = 0;
    const flush = () => {
      frame = 0;
      const news = new Map(waiting.splice(0).reverse().map((one) => [one.requestId, one]));
      setRequests((before = []) => [...news.values(), ...before.filter((one) => !news.has(one.requestId))].slice(0, MOST));
    };
    const listener = {
      event: (name: string, data: string) => {
        if (name !== "request") return;
        waiting.push(JSON.parse(data) as LoggedRequest);
        // A busy client sends hundreds of requests a second: all that arrived since the last frame are drawn together.
        frame ||= requestAnimationFrame(flush);
      },
      state: (state: StreamState) => {
        setStream(state);
        if (state === "live") {
          setFailure(undefined);
          frame ||= requestAnimationFrame(flush);
        }
      },
      failure: setFailure,
    };
    void follow({ ...CALL, query: { pageSize: MOST } }, listener, () => false, leaving.signal);
    return () => {
      leaving.abort();
      cancelAnimationFrame(frame);
    };
  }, [paused]);
  return { requests, stream, failure };
}

function copyId(): void {
  document.activeElement?.closest("tr")?.querySelector<HTMLElement>("[data-copy-id]")?.click();
}

function step(by: number): () => void {
  return () => {
    const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    next?.focus();
  };
}
