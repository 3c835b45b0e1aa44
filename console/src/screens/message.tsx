import { Fragment, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, useAnswer, type Call } from "../api.ts";
import { DecisionOf } from "../decision.tsx";
import { Confirm } from "../dialog.tsx";
import { Behind, CopiedId, docs, Head, Skeleton, State, TagList, Time, Trouble } from "../marks.tsx";
import { href, type Params } from "../route.ts";
import type { Attempt, Decision, FetchedMessage, Receipt } from "../wire.ts";

const EVERY = 4000;

function callOf(id: string): Call {
  return { path: `/v1/Messages/${encodeURIComponent(id)}` };
}

/** One message: its attempts, what was reported, and why this sender. */
export function MessageScreen({ params }: { params: Params }): JSX.Element {
  const id = params["id"] ?? "";
  const call = callOf(id);
  const { answer, failure, again } = useAnswer<FetchedMessage>(id ? call : null, EVERY);
  if (!id) {
    return (
      <p class="empty">
        The address names no message. <a href={href("messages")}>All messages</a>
      </p>
    );
  }
  if (answer) return <Whole message={answer} call={call} again={again} />;
  return (
    <>
      <Head title="Message" call={call} page="messages" />
      {failure ? <Trouble failure={failure} again={again} /> : <Skeleton lines={10} />}
    </>
  );
}

function Whole({ message, call, again }: { message: FetchedMessage; call: Call; again: () => void }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const to = message.to.map((one) => one.address).join(", ");
  const open = message.status === "SCHEDULED" || message.status === "QUEUED";
  return (
    <>
      <Head title={`Message to ${to}`} name={`${to} · Messages`} call={call} page="messages">
        {open && (
          <button class="danger" onClick={() => setAsking(true)}>
            Cancel message
          </button>
        )}
      </Head>
      <p class="status-line">
        <State state={message.status} />
        <Time at={message.createdAt} />
        <CopiedId id={message.id} whole of="message id" />
      </p>
      <div class="panels">
        <Facts message={message} />
        <section class="panel">
          <h2>Content</h2>
          <pre class="body" tabIndex={0} role="region" aria-label="Content">
            {textOf(message.content)}
          </pre>
        </section>
      </div>
      <Attempts attempts={message.attempts} />
      <Receipts id={message.id} updatedAt={message.updatedAt} />
      {message.status !== "INBOUND" && message.status !== "SCHEDULED" && (
        <WhyThis id={message.id} updatedAt={message.updatedAt} />
      )}
      {asking && <Cancel id={message.id} close={() => setAsking(false)} again={again} />}
    </>
  );
}

function Facts({ message }: { message: FetchedMessage }): JSX.Element {
  const { from } = message;
  return (
    <section class="panel">
      <h2>Message</h2>
      <dl class="facts">
        <dt>From</dt>
        <dd>
          {from?.address ? `${from.channel} ${from.address}` : "no sender yet"}
          {from?.senderPoolId && (
            <>
              {" · "}
              <a href={href("pool", { id: from.senderPoolId })}>pool</a>
            </>
          )}
        </dd>
        <dt>To</dt>
        <dd>{message.to.map((one) => `${one.channel} ${one.address}`).join(", ")}</dd>
        {Object.keys(message.tags).length > 0 && (
          <>
            <dt>Tags</dt>
            <dd>
              <TagList tags={message.tags} />
            </dd>
          </>
        )}
        {message.scheduledFor && (
          <>
            <dt>Scheduled</dt>
            <dd>
              <Time at={message.scheduledFor} />
            </dd>
          </>
        )}
        <dt>Changed</dt>
        <dd>
          <Time at={message.updatedAt} />
        </dd>
        {message.related.map((one) => (
          <Fragment key={one.name}>
            <dt>{one.name === "OPERATION" ? "Operation" : "Retry of"}</dt>
            <dd>
              <a href={href("messages", { operationId: one.id })}>its messages</a>{" "}
              <CopiedId id={one.id} of="operation id" />
            </dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}

/** The text of a content; what has other parts is shown whole. */
function textOf(content: unknown): string {
  const { text, ...rest } = content as { text?: string };
  return text !== undefined && !Object.keys(rest).length ? text : JSON.stringify(content, null, 2);
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }): JSX.Element {
  return (
    <section>
      <h2>Attempts, oldest first</h2>
      {!attempts.length && <p class="quiet">No attempt was made.</p>}
      <ol class="plain-list attempts">
        {attempts.map((one) => (
          <li key={one.id}>
            <span class="line">
              <State state={one.status} />
              <span>
                {one.from.channel} <a href={href("senders", { id: one.from.senderId })}>{one.from.address}</a>
              </span>
              <Time at={one.attemptedAt} />
              <CopiedId id={one.id} of="downstream id" />
            </span>
            {one.error && (
              <span class="bad">
                {one.error.message} <a href={docs(`errors#${one.error.code}`)}>{one.error.code}</a>
              </span>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Receipts({ id, updatedAt }: { id: string; updatedAt: string }): JSX.Element {
  const { answer, failure, again } = useFresh<{ receipts: Receipt[] }>(
    { path: `/v1/Messages/${id}/Receipts` },
    updatedAt,
  );
  return (
    <section>
      <h2>Reports</h2>
      {failure && <Trouble failure={failure} again={again} />}
      {answer && !answer.receipts.length && <p class="quiet">Nothing was reported.</p>}
      <ol class="plain-list">
        {answer?.receipts.map((one, index) => (
          <li key={index}>
            <span class="line">
              <State state={one.status} />
              <Time at={one.createdAt} />
              <span class="quiet">{one.connector}</span>
              {one.code !== null && <a href={docs(`errors#${one.code}`)}>{one.code}</a>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A response that is read again whenever the message has changed. */
function useFresh<T>(call: Call, updatedAt: string) {
  const answered = useAnswer<T>(call);
  const seen = useRef(updatedAt);
  useEffect(() => {
    if (seen.current !== updatedAt) answered.again();
    seen.current = updatedAt;
  }, [updatedAt]);
  return answered;
}

function WhyThis({ id, updatedAt }: { id: string; updatedAt: string }): JSX.Element {
  const call: Call = { path: `/signalbox/v1/Messages/${id}/Decision` };
  const { answer, failure, again } = useFresh<Decision>(call, updatedAt);
  return (
    <section>
      <h2>Why this sender</h2>
      <Behind call={call} page="messages" />
      {failure && <Trouble failure={failure} again={again} />}
      {answer ? <DecisionOf decision={answer} /> : !failure && <Skeleton lines={4} />}
    </section>
  );
}

function Cancel({ id, close, again }: { id: string; close: () => void; again: () => void }): JSX.Element {
  const call: Call = { method: "POST", path: `/signalbox/v1/Messages/${id}/Cancel` };
  const run = async () => {
    await ask(call);
    again();
    close();
  };
  return (
    <Confirm title="Cancel this message?" act="Cancel message" danger close={close} run={run}>
      <p>It will never be handed over.</p>
      <Behind call={call} page="messages" />
    </Confirm>
  );
}
