import type { JSX } from "preact";
import type { Call } from "../api.ts";
import { useState } from "preact/hooks";
import { OperationItems, OperationLink, TotalOf, totalCall } from "../called.tsx";
import { Choice, Dates, Filters, isFiltered, queryOf } from "../filters.tsx";
import { count, Head, CopiedId, Progress, State } from "../marks.tsx";
import { go, href, type Params } from "../route.ts";
import { Rows, type Column } from "../rows.tsx";
import { lasting, Time } from "../times.tsx";
import { useLive } from "../watch.ts";
import { OPERATION_STATUSES, type Operation, type Stats } from "../wire.ts";
import { NoWorker } from "../working.tsx";

const FILTERS = ["status", "startDate", "endDate"] as const;
const EVERY = 4000;

/** All operations, newest first; running ones are updated live. */
export function OperationsScreen({ params }: { params: Params }): JSX.Element {
  const query = queryOf(FILTERS, params);
  const call: Call = { path: "/v1/SenderPools/Operations", query };
  const filtered = isFiltered(FILTERS, params);
  const [seen, setSeen] = useState<readonly Operation[]>([]);
  return (
    <>
      <Head title="Operations" call={call} page="operations" />
      <Filters names={FILTERS} params={params}>
        <Choice name="status" label="Status" of={OPERATION_STATUSES} params={params} />
        <Dates params={params} />
      </Filters>
      <NoWorker of={seen} />
      <TotalOf call={totalCall(call)} one="operation" every={3 * EVERY} />
      <Rows<Operation>
        label="Operations"
        call={call}
        member="operations"
        id={(operation) => operation.id}
        names={(operation) => [operation.id]}
        top={setSeen}
        open={(operation) => go("operation", { id: operation.id })}
        columns={COLUMNS}
        every={EVERY}
        empty={
          filtered ? (
            <p>No operation fits these filters.</p>
          ) : (
            <p>
              There are no operations yet. Each pool that is made and each add of senders to one is an operation:{" "}
              <a href={href("pools", { new: "1" })}>make a pool</a>.
            </p>
          )
        }
      />
    </>
  );
}

const COLUMNS: readonly Column<Operation>[] = [
  {
    name: "Operation",
    kind: "main",
    cell: (operation) => (
      <>
        <OperationLink id={operation.id} />
        <span class="below">
          <OperationItems id={operation.id} /> · <Time at={operation.createdAt} />
        </span>
      </>
    ),
  },
  { name: "Status", cell: (operation) => <LiveState given={operation} /> },
  { name: "Progress", kind: "bar", cell: (operation) => <LiveProgress given={operation} /> },
  { name: "Items", kind: "number extra", cell: (operation) => count(operation.stats.total) },
  { name: "Failed", kind: "number", cell: (operation) => <LiveCount given={operation} of="failed" /> },
  { name: "Queued", kind: "number wide", cell: (operation) => <LiveCount given={operation} of="queued" /> },
  { name: "Started", kind: "extra", cell: (operation) => <Time at={operation.createdAt} /> },
  {
    name: "Took",
    kind: "wide",
    cell: (operation) =>
      operation.status === "PROCESSING"
        ? "running"
        : lasting(Date.parse(operation.updatedAt) - Date.parse(operation.createdAt)),
  },
  { name: "Id", kind: "extra", cell: (operation) => <CopiedId id={operation.id} /> },
];

function LiveState({ given }: { given: Operation }): JSX.Element {
  return <State state={useLive(given).operation.status} />;
}

function LiveProgress({ given }: { given: Operation }): JSX.Element {
  return <Progress operation={useLive(given).operation} />;
}

function LiveCount({ given, of }: { given: Operation; of: keyof Stats }): JSX.Element {
  const value = useLive(given).operation.stats[of];
  return <span class={value ? `some ${of}` : "quiet"}>{count(value)}</span>;
}
