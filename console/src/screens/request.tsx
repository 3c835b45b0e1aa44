import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { againOf, isSent, type Again } from "../again.ts";
import { ask, Failure, repeat, useAnswer, type Call, type Repeated } from "../api.ts";
import { curlOf, pytestOf, pythonOf, typescriptOf } from "../copies.ts";
import { Confirm, useRun } from "../dialog.tsx";
import { pretty } from "../json.ts";
import { Copy, CopiedId, count, docs, Head, HttpStatus, plural, Skeleton, Time, took, Trouble } from "../marks.tsx";
import { go, href, type Params } from "../route.ts";
import type { Header, InspectedRequest, KeptBody } from "../wire.ts";

const KEPT = docs("request-log#headers-and-bodies");
// Characters of a body that are shown at first.
const MOST_SHOWN = 50_000;
const NO_BODY = "No body.";

function callOf(id: string): Call {
  return { path: `/signalbox/v1/Requests/${encodeURIComponent(id)}` };
}

/** One request of the log: headers, bodies, times and what its error means; to be copied and sent again. */
export function RequestScreen({ params }: { params: Params }): JSX.Element {
  const id = params["id"] ?? "";
  const call = callOf(id);
  const { answer, failure, again } = useAnswer<InspectedRequest>(id ? call : null);
  if (!id) return <NoId />;
  if (answer) return <Whole request={answer} call={call} />;
  return (
    <>
      <Head title="Request" call={call} page="request-log#headers-and-bodies" />
      {failure ? <Trouble failure={failure} again={again} /> : <Skeleton lines={10} />}
      {failure?.status === 404 && <Forgotten />}
    </>
  );
}

function NoId(): JSX.Element {
  return (
    <p class="empty">
      The address names no request. <a href={href("requests")}>All requests</a>
    </p>
  );
}

function Forgotten(): JSX.Element {
  return (
    <p>
      The log has the last requests of an account, in the memory of the process that served them: a restart empties it,
      and another process does not have them. <a href={docs("request-log#how-long-it-lasts")}>How long it lasts</a>
    </p>
  );
}

function Whole({ request, call }: { request: InspectedRequest; call: Call }): JSX.Element {
  const again = useMemo(() => againOf(request), [request]);
  const [asking, setAsking] = useState(false);
  const [response, setResponse] = useState<Repeated>();
  const send = async () => {
    const repeated = await repeat(again.call!);
    if (await isLogged(repeated.requestId)) go("request", { id: repeated.requestId });
    else setResponse(repeated);
    setAsking(false);
  };
  const { busy, failure, run } = useRun(send);
  const safe = request.method === "GET" || request.method === "HEAD";
  const title = `${request.method} ${request.path}`;
  return (
    <>
      <Head title={title} name={`${title} · Requests`} call={call} page="request-log#headers-and-bodies">
        {again.call && !again.why && (
          <button onClick={() => (safe ? void run() : setAsking(true))} disabled={busy}>
            {busy ? "Sending…" : "Send again"}
          </button>
        )}
      </Head>
      <p class="status-line">
        <HttpStatus status={request.status} />
        <Time at={request.at} />
        <span>took {took(request.ms)}</span>
        <CopiedId id={request.requestId} whole of="request id" />
      </p>
      {failure && <Trouble failure={failure} />}
      {response && <Unlogged response={response} />}
      <NotKept kept={request.kept} />
      <Copies request={request} again={again} />
      <Wrong request={request} />
      <div class="exchange">
        <Sent request={request} />
        <Received request={request} />
      </div>
      {asking && <Ask request={request} again={again} close={() => setAsking(false)} run={send} />}
    </>
  );
}

/** Whether this process has the request in its log: with several processes, another one may have served it. */
async function isLogged(id: string): Promise<boolean> {
  try {
    await ask<InspectedRequest>(callOf(id));
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function Unlogged({ response }: { response: Repeated }): JSX.Element {
  return (
    <section class="panel" aria-label="Response to the request that was sent again">
      <h2>It was sent again</h2>
      <p>
        <HttpStatus status={response.status} /> The log of the process that responds now does not have this request, so
        its response is shown here.
      </p>
      <Text of="response" text={response.text} />
    </section>
  );
}

function NotKept({ kept }: { kept: InspectedRequest["kept"] }): JSX.Element | null {
  if (kept === "YES") return null;
  return (
    <p class="notice">
      {kept === "OFF" ? (
        <>
          <b>Headers and bodies are not kept on this server.</b> The setting <code>request_bodies</code> keeps them, for
          development only: <code>signalbox dev</code> turns it on. <a href={KEPT}>Headers and bodies</a>
        </>
      ) : (
        <>
          <b>Its headers and bodies are no longer kept:</b> newer requests needed the room.{" "}
          <a href={KEPT}>How much is kept</a>
        </>
      )}
    </p>
  );
}

function Copies({ request, again }: { request: InspectedRequest; again: Again }): JSX.Element | null {
  const texts = useMemo(() => again.call && copiesOf(again.call, request), [again, request]);
  if (!texts) return again.why ? <p class="quiet">{again.why}</p> : null;
  return (
    <div class="copies">
      <p role="group" aria-label="Copy this request">
        {texts.map(([label, text]) => (
          <Copy key={label} text={text} label={`as ${label}`} />
        ))}
      </p>
      <p class="quiet">
        Without credentials: they come from the environment, or from the test's server.
        {again.keyed && " Without the Idempotency-Key: with it the server would repeat the old response."}
        {again.removed && " Where a secret was, the copies have [removed]."} {again.why}
      </p>
    </div>
  );
}

function copiesOf(call: Call, { route, status, error }: InspectedRequest): [string, string][] {
  return [
    ["curl", curlOf(call)],
    ["Python", pythonOf(call)],
    ["TypeScript", typescriptOf(call)],
    ["a pytest test", pytestOf(call, { route, status, code: error?.code ?? null })],
  ];
}

/** What was wrong with the request, what that means, and what was ignored. */
function Wrong({ request }: { request: InspectedRequest }): JSX.Element | null {
  const { error, problems, moreProblems, warnings } = request;
  if (!error && !problems.length && !warnings.length) return null;
  return (
    <section class={error ? "trouble" : "panel"} aria-label="What was wrong">
      {error && (
        <p>
          <b>{error.code}</b> {error.meaning} <a href={docs(`errors#${error.code}`)}>What {error.code} means</a>
        </p>
      )}
      <ul>
        {problems.map((problem, index) => (
          <li key={index}>
            {problem.context && <code>{problem.context}</code>} {problem.message}
          </li>
        ))}
        {moreProblems > 0 && <li>and {count(moreProblems)} more</li>}
        {warnings.map((warning) => (
          <li key={warning} class="warning">
            {warning}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Sent(props: { request: InspectedRequest }): JSX.Element {
  const { request, method, path, query } = props.request;
  const header = (name: string) => request?.headers.find((one) => one.name.toLowerCase() === name)?.value;
  const none = isSent(header) ? "The server did not read the body." : NO_BODY;
  return (
    <section class="panel">
      <h2>Request</h2>
      <p class="target">
        <code>
          <b>{method}</b> {request?.target ?? path + (query && `?${query}`)}
        </code>
      </p>
      {request && (
        <>
          <Facts>
            {request.readMs !== null && <Fact name="Body read">after {took(request.readMs)}</Fact>}
          </Facts>
          <Headers of="request" headers={request.headers} />
          <Body of="request" body={request.body} none={none} />
        </>
      )}
    </section>
  );
}

function Received({ request: { response, status, ms } }: { request: InspectedRequest }): JSX.Element {
  const gone = response !== null && response.startedMs === null;
  return (
    <section class="panel">
      <h2>Response</h2>
      <p class="target">
        <HttpStatus status={status} /> {gone && "The client disconnected before the response began."}
      </p>
      <Facts>
        {response && !gone && <Fact name="Began">after {took(response.startedMs!)}</Fact>}
        <Fact name="Complete">after {took(ms)}</Fact>
      </Facts>
      {response && !gone && (
        <>
          <Headers of="response" headers={response.headers} />
          <Body of="response" body={response.body} none={NO_BODY} />
        </>
      )}
    </section>
  );
}

function Facts({ children }: { children: ComponentChildren }): JSX.Element | null {
  return children ? <dl class="facts">{children}</dl> : null;
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Headers({ of, headers }: { of: string; headers: readonly Header[] }): JSX.Element {
  return (
    <table class="plain-table headers" aria-label={`Headers of the ${of}`}>
      <tbody>
        {headers.map(({ name, value }, index) => (
          <tr key={index}>
            <th scope="row">{name}</th>
            <td>
              <code class={value === "[removed]" ? "quiet" : ""}>{value}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Body({ of, body, none }: { of: string; body: KeptBody | null; none: string }): JSX.Element {
  if (!body) return <p class="quiet">{none}</p>;
  return (
    <>
      <p class="quiet">
        Body, {plural(body.bytes, "byte")}
        {body.text === null && ", not UTF-8, shown in base64"}
        {!body.complete && <b class="warning"> · only its beginning was kept</b>}
        {body.removed && <b class="warning"> · a secret in it was replaced by [removed]</b>}
      </p>
      <Text of={of} text={body.text ?? body.binary ?? ""} />
    </>
  );
}

/** A body: JSON indented, other text as it is; of a long one the beginning, until the user asks for more. */
function Text({ of, text }: { of: string; text: string }): JSX.Element {
  const [all, setAll] = useState(false);
  const shown = useMemo(() => pretty(text), [text]);
  const cut = !all && shown.length > MOST_SHOWN;
  return (
    <>
      <pre class="body" tabIndex={0} role="region" aria-label={`Body of the ${of}`}>
        {cut ? shown.slice(0, MOST_SHOWN) : shown}
      </pre>
      <p class="line">
        <Copy text={text} label={`the body of the ${of}`} />
        {cut && (
          <button class="link" onClick={() => setAll(true)}>
            Show all {count(shown.length)} characters
          </button>
        )}
      </p>
    </>
  );
}

interface Asking {
  request: InspectedRequest;
  again: Again;
  close: () => void;
  run: () => Promise<void>;
}

function Ask({ request: { method, request }, again, close, run }: Asking): JSX.Element {
  const danger = method === "DELETE";
  return (
    <Confirm title="Send this request again?" act="Send again" danger={danger} close={close} run={run}>
      <p class="target">
        <code>
          <b>{method}</b> {request?.target}
        </code>
      </p>
      <p>It is sent with the credentials of this session, and what it changes is changed once more.</p>
      {again.keyed && <p>It is sent without its Idempotency-Key: with it the server would repeat the old response.</p>}
    </Confirm>
  );
}
