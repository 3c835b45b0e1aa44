import type { JSX } from "preact";
import { useAnswer, type Call } from "../api.ts";
import { OperationLink, SenderOf } from "../called.tsx";
import { count, docs, Head, plural, Progress, Skeleton, Time, Trouble } from "../marks.tsx";
import { useLearn } from "../names.ts";
import { Columns } from "../plots.tsx";
import { href } from "../route.ts";
import { useLive } from "../watch.ts";
import { CHANNELS, type Operation, type Overview } from "../wire.ts";
import { NoWorker } from "../working.tsx";

const CALL: Call = { path: "/signalbox/v1/Overview" };
const EVERY = 5000;

/** The account's overview, fetched again every five seconds. */
export function OverviewScreen(): JSX.Element {
  const { answer, failure, again } = useAnswer<Overview>(CALL, EVERY);
  const failed = failure && (failure.status > 0 || !answer);
  const empty = answer?.senders.total === 0 && answer.senderPools.count === 0;
  return (
    <>
      <Head title="Overview" call={CALL} page="overview" />
      {failed && <Trouble failure={failure} again={again} />}
      {!answer && !failure && <Skeleton lines={12} />}
      {empty && <Nothing />}
      {answer && <Figures overview={answer} />}
    </>
  );
}

function Nothing(): JSX.Element {
  return (
    <div class="empty">
      <h2>Nothing here yet</h2>
      <ol>
        <li>
          <a href={href("senders", { import: "1" })}>Import senders</a>: drop a CSV with the columns <code>channel</code> and{" "}
          <code>address</code>.
        </li>
        <li>
          <a href={href("pools", { new: "1" })}>Make a pool</a> of them, and watch its operation.
        </li>
        <li>
          <a href={href("resolve")}>Ask who reaches a person</a>.
        </li>
      </ol>
    </div>
  );
}

function Figures({ overview }: { overview: Overview }): JSX.Element {
  const operations = [...overview.inFlight.operations, ...overview.failures.map((one) => one.operation)];
  const senders = overview.failures.flatMap((one) => one.items.map((item) => item.senderId ?? ""));
  useLearn([...operations.map((one) => one.id), ...senders.filter(Boolean)]);
  return (
    <div class="panels">
      <NoWorker of={overview.inFlight.operations} />
      <div class="figures panel">
        <Figure name="Senders" to={href("senders")} value={count(overview.senders.total)} />
        <Figure name="Pools" to={href("pools")} value={count(overview.senderPools.count, overview.senderPools.more)} />
        <Figure
          name="Operations in flight"
          to={href("operations", { status: "PROCESSING" })}
          value={count(overview.inFlight.count, overview.inFlight.more)}
        />
        <Figure name="Items waiting" value={count(overview.inFlight.queued, overview.inFlight.more)} />
      </div>
      <Throughput overview={overview} />
      <SendersByChannel overview={overview} />
      <InFlight overview={overview} />
      <Failures overview={overview} />
    </div>
  );
}

function Figure(props: { name: string; value: string; to?: string }): JSX.Element {
  return (
    <p class="figure">
      <b>{props.value}</b>
      {props.to ? <a href={props.to}>{props.name}</a> : <span>{props.name}</span>}
    </p>
  );
}

function Throughput({ overview }: { overview: Overview }): JSX.Element {
  const { minutes, complete } = overview.throughput;
  const created = minutes.map((minute) => minute.created);
  const failed = minutes.map((minute) => minute.failed);
  const sum = (values: readonly number[]) => values.reduce((before, value) => before + value, 0);
  const label = `Items a minute over the last hour: ${count(sum(created))} created, ${count(sum(failed))} failed, at most ${count(
    Math.max(0, ...minutes.map((minute) => minute.created + minute.failed)),
  )} in one minute`;
  return (
    <section class="panel broad">
      <h2>Items a minute, last hour</h2>
      <Columns
        label={label}
        times={minutes.map((minute) => Date.parse(minute.at))}
        series={[
          { name: "created", values: created },
          { name: "failed", values: failed },
        ]}
      />
      <p class="quiet">
        {count(sum(created))} created, {count(sum(failed))} failed.{" "}
        {!complete && "Only the 1,000 newest operations are counted: there was more. "}
        <a href={docs("overview")}>How it is estimated</a>
      </p>
    </section>
  );
}

function SendersByChannel({ overview }: { overview: Overview }): JSX.Element {
  const of = (channel: string, status: string) =>
    overview.senders.counts.find((one) => one.channel === channel && one.status === status)?.count ?? 0;
  return (
    <section class="panel">
      <h2>Senders by channel and status</h2>
      <table class="plain-table" aria-label="Senders by channel and status">
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col" class="number">
              Activated
            </th>
            <th scope="col" class="number">
              Deactivated
            </th>
          </tr>
        </thead>
        <tbody>
          {CHANNELS.map((channel) => (
            <tr key={channel}>
              <th scope="row">
                <a href={href("senders", { channel })}>{channel}</a>
              </th>
              <td class="number">{count(of(channel, "ACTIVATED"))}</td>
              <td class="number">{count(of(channel, "DEACTIVATED"))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function InFlight({ overview }: { overview: Overview }): JSX.Element {
  const { operations, count: all, more } = overview.inFlight;
  return (
    <section class="panel">
      <h2>In flight</h2>
      {operations.length === 0 && <p class="quiet">No operation is running.</p>}
      <ul class="plain-list">
        {operations.map((operation) => (
          <Running key={operation.id} given={operation} />
        ))}
      </ul>
      {all > operations.length && (
        <a href={href("operations", { status: "PROCESSING" })}>All {count(all, more)} in flight</a>
      )}
    </section>
  );
}

function Running({ given }: { given: Operation }): JSX.Element {
  const { operation } = useLive(given);
  return (
    <li>
      <OperationLink id={operation.id} />
      <Progress operation={operation} numbers />
    </li>
  );
}

function Failures({ overview }: { overview: Overview }): JSX.Element {
  return (
    <section class="panel broad">
      <h2>Latest failures</h2>
      {overview.failures.length === 0 && <p class="quiet">No operation has failed items.</p>}
      <ul class="plain-list">
        {overview.failures.map(({ operation, items }) => (
          <li key={operation.id} class="failure">
            <p>
              <OperationLink id={operation.id} outcome="FAILED" />{" "}
              <b class="bad">{plural(operation.stats.failed, "item")} failed</b> of {count(operation.stats.total)}
              <span class="quiet">
                {" "}
                · <Time at={operation.createdAt} />
              </span>
            </p>
            <ul>
              {items.map((item) => (
                <li key={item.index}>
                  {item.senderId ? <SenderOf id={item.senderId} /> : "the pool"} {item.message}{" "}
                  {item.code && <a href={docs(`errors#${item.code}`)}>{item.code}</a>}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}
