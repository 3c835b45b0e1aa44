import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, send, useAnswer, type Call } from "../api.ts";
import { deed, poolOf, PoolLink, SenderOf } from "../called.tsx";
import { Confirm, useRun } from "../dialog.tsx";
import {
  Behind,
  Counters,
  count,
  docs,
  Head,
  CopiedId,
  lasting,
  Progress,
  Skeleton,
  State,
  Time,
  Trouble,
} from "../marks.tsx";
import { useLearn, useOperationNames } from "../names.ts";
import { Lines } from "../plots.tsx";
import { go, href, set, type Params } from "../route.ts";
import { Rows, type Column } from "../rows.tsx";
import { csvOf, neutralised, save } from "../csv.ts";
import type { StreamState } from "../stream.ts";
import { operationCall, samplesOf, useLive, type Sample } from "../watch.ts";
import { OUTCOMES, type Item, type Operation } from "../wire.ts";
import { NoWorker } from "../working.tsx";

// Milliseconds; a running operation has an event stream besides.
const EVERY = 15_000;

/** One operation: its progress, the outcome of each item, and a button to cancel it. */
export function OperationScreen({ params }: { params: Params }): JSX.Element {
  const id = params["id"] ?? "";
  const call = operationCall(id);
  const { answer, failure, again } = useAnswer<Operation>(id ? call : null, EVERY);
  if (!id) return <NoId />;
  if (answer) return <Whole given={answer} params={params} again={again} />;
  return (
    <>
      <Head title="Operation" call={call} page="operations#fetch-and-list" />
      {failure ? <Trouble failure={failure} again={again} /> : <Skeleton lines={10} />}
    </>
  );
}

function NoId(): JSX.Element {
  return (
    <p class="empty">
      The address names no operation. <a href={href("operations")}>All operations</a>
    </p>
  );
}

function Whole(props: { given: Operation; params: Params; again: () => void }): JSX.Element {
  const { operation, stream, failure } = useLive(props.given);
  const [asking, setAsking] = useState(false);
  const running = operation.status === "PROCESSING";
  const call = operationCall(operation.id);
  useLearn([operation.id]);
  const names = useOperationNames(operation.id);
  const title = names ? deed(names) : "Operation";
  const watched: Call = running ? { ...call, headers: { accept: "text/event-stream" } } : call;
  return (
    <>
      <Head title={title} name={`${title} · Operations`} call={watched} page="operations#watch">
        {running && (
          <button class="danger" onClick={() => setAsking(true)}>
            Cancel operation
          </button>
        )}
      </Head>
      <p class="status-line">
        <State state={operation.status} />
        {running && <StreamMark stream={stream} />}
        {names && (
          <span>
            pool {names.senderPool ? <PoolLink id={names.senderPool.id}>{names.senderPool.name}</PoolLink> : poolOf(names)}
          </span>
        )}
        <CopiedId id={operation.id} whole of="operation id" />
      </p>
      <NoWorker of={[operation]} />
      <Final operation={operation} />
      {failure && <Trouble failure={failure} />}
      <Progress operation={operation} />
      <Counters stats={operation.stats} />
      <div class="panels">
        <Timeline operation={operation} />
        <History operation={operation} />
      </div>
      <Ledger operation={operation} params={props.params} />
      {asking && <Cancel operation={operation} close={() => setAsking(false)} again={props.again} />}
    </>
  );
}

/** Announces the end of the operation once to screen readers; the counters themselves would be announced all the time. */
function Final({ operation: { status, stats } }: { operation: Operation }): JSX.Element {
  const [before] = useState(status);
  const ended = before === "PROCESSING" && status !== "PROCESSING";
  return (
    <p class="unseen" role="status">
      {ended && `Operation ${status.toLowerCase()}: ${stats.created} created, ${stats.failed} failed`}
    </p>
  );
}

function StreamMark({ stream }: { stream: StreamState }): JSX.Element {
  const words = { waiting: "connecting", live: "live", broken: "connection lost, trying again" };
  return (
    <span class={`stream ${stream}`} data-stream={stream}>
      {words[stream]}
    </span>
  );
}

function Timeline({ operation }: { operation: Operation }): JSX.Element {
  const started = Date.parse(operation.createdAt);
  const after = (time: number) => `after ${lasting(time - started)}`;
  const steps: { at: string; what: ComponentChildren }[] = [
    { at: operation.createdAt, what: `accepted, ${count(operation.stats.total)} items` },
  ];
  const last = Date.parse(operation.updatedAt);
  const first = samplesOf(operation.id).find((sample) => sample.failed > 0);
  if (first && first.at < last) steps.push({ at: new Date(first.at).toISOString(), what: `failed items seen, ${after(first.at)}` });
  const end = { PROCESSING: "last change", COMPLETED: "completed", CANCELED: "canceled" }[operation.status];
  const rate = last > started ? (operation.stats.created + operation.stats.failed) / ((last - started) / 1000) : 0;
  steps.push({
    at: operation.updatedAt,
    what: `${end} ${after(last)}${rate >= 1 ? `, ${count(Math.round(rate))} items a second` : ""}`,
  });
  return (
    <section class="panel">
      <h2>Timeline</h2>
      <ol class="timeline">
        {steps.map((step, index) => (
          <li key={index}>
            <Time at={step.at} /> {step.what}
          </li>
        ))}
      </ol>
    </section>
  );
}

function History({ operation }: { operation: Operation }): JSX.Element {
  const seen = samplesOf(operation.id);
  const { total, created, failed, queued } = operation.stats;
  const start: Sample = { at: Date.parse(operation.createdAt), total, created: 0, failed: 0, queued: total };
  const last: Sample = { at: Date.parse(operation.updatedAt), total, created, failed, queued };
  const live = seen.length > 1;
  const samples = [start, ...(live ? seen.filter((one) => one.at > start.at) : [last])];
  const label = `Counters over time: ${count(created)} created, ${count(failed)} failed and ${count(queued)} queued at the end`;
  return (
    <section class="panel broad">
      <h2>Counters over time</h2>
      <Lines
        label={label}
        times={samples.map((sample) => sample.at)}
        dashed={!live}
        series={(["created", "failed", "queued"] as const).map((name) => ({
          name,
          values: samples.map((sample) => sample[name]),
        }))}
      />
      <p class="quiet">
        {live
          ? `As this tab saw them: ${count(seen.length)} changes.`
          : "The average from start to end: the server keeps no history of counters, and this tab did not see it run."}
      </p>
    </section>
  );
}

function Ledger({ operation, params }: { operation: Operation; params: Params }): JSX.Element {
  const outcome = params["outcome"] ?? (operation.stats.failed ? "FAILED" : "");
  const path = `/signalbox/v1/SenderPools/Operations/${operation.id}/Items`;
  const call: Call = { path, query: { outcome: outcome === "ALL" ? "" : outcome } };
  const round = useSettled(operation);
  const { busy, failure, run } = useRun(() => download(operation, { ...call, headers: { accept: "application/x-ndjson" } }));
  return (
    <section>
      <h2>Ledger</h2>
      <Behind call={call} page="operations#the-ledger" />
      <div class="filters" role="group" aria-label="Outcome">
        {[...OUTCOMES, "ALL"].map((one) => (
          <button
            key={one}
            class="tab"
            aria-pressed={outcome === one || (one === "ALL" && outcome === "")}
            onClick={() => set({ outcome: one })}
          >
            {one.toLowerCase().replace("_", " ")}
            {one === "FAILED" && ` ${count(operation.stats.failed)}`}
          </button>
        ))}
        <button onClick={() => void run()} disabled={busy}>
          {busy ? "Reading…" : "Download CSV"}
        </button>
      </div>
      {failure && <Trouble failure={failure} />}
      <Rows<Item>
        label="Items"
        call={call}
        member="items"
        id={(item) => String(item.index)}
        names={(item) => (item.senderId ? [item.senderId] : [])}
        open={(item) => item.senderId && go("senders", { id: item.senderId })}
        columns={COLUMNS}
        round={round}
        empty={<p>No item of this operation {outcome && outcome !== "ALL" ? "has this outcome" : "is left"}.</p>}
      />
    </section>
  );
}

const COLUMNS: readonly Column<Item>[] = [
  { name: "#", kind: "number", cell: (item) => count(item.index) },
  { name: "Sender", cell: (item) => (item.senderId ? <SenderOf id={item.senderId} /> : "the pool itself") },
  { name: "Outcome", cell: (item) => <State state={item.outcome} /> },
  {
    name: "Reason",
    kind: "main",
    cell: (item) =>
      item.message && (
        <>
          {item.message} <a href={docs(`errors#${item.code}`)}>{item.code}</a>
        </>
      ),
  },
  { name: "Id", kind: "extra", cell: (item) => item.senderId && <CopiedId id={item.senderId} of="sender id" /> },
];

/** A number that changes when the ledger should be fetched again: every two seconds while it changes, and at the end. */
function useSettled(operation: Operation): number {
  const [round, setRound] = useState(0);
  const latest = useRef(operation.updatedAt);
  latest.current = operation.updatedAt;
  const running = operation.status === "PROCESSING";
  useEffect(() => {
    if (!running) return;
    let before = latest.current;
    const timer = setInterval(() => {
      if (latest.current !== before && scrollY === 0) setRound((last) => last + 1);
      before = latest.current;
    }, 2000);
    return () => {
      clearInterval(timer);
      setRound((last) => last + 1);
    };
  }, [running]);
  return round;
}

async function download(operation: Operation, call: Call): Promise<void> {
  const text = await (await send(call)).text();
  const items = text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Item);
  const rows = items.map((item) => [item.index, item.senderId, item.outcome, item.code, neutralised(item.message ?? "")]);
  save(`${operation.id}.csv`, csvOf(["index", "senderId", "outcome", "code", "message"], rows));
}

function Cancel(props: { operation: Operation; close: () => void; again: () => void }): JSX.Element {
  const path = `/signalbox/v1/SenderPools/Operations/${props.operation.id}/Cancel`;
  const call: Call = { method: "POST", path };
  const run = async () => {
    await ask(call);
    props.again();
    props.close();
  };
  return (
    <Confirm title="Cancel this operation?" act="Cancel operation" danger close={props.close} run={run}>
      <p>
        {count(props.operation.stats.queued)} items are still queued and will never be tried. What was applied stays applied.
      </p>
      <Behind call={call} page="operations#cancel" />
    </Confirm>
  );
}
