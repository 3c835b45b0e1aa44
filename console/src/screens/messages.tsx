import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { Call } from "../api.ts";
import { Choice, Filters, isFiltered, queryOf } from "../filters.tsx";
import { CopiedId, Head, State, TagList } from "../marks.tsx";
import { go, href, set, type Params } from "../route.ts";
import { Rows, type Column } from "../rows.tsx";
import { Time } from "../times.tsx";
import { MESSAGE_CHANNELS, MESSAGE_STATUSES, type Message } from "../wire.ts";

const FILTERS = ["status", "channel", "operationId", "tags"] as const;
const EVERY = 4000;

/** All messages, newest first. */
export function MessagesScreen({ params }: { params: Params }): JSX.Element {
  const call: Call = { path: "/v1/Messages", query: queryOf(FILTERS, params) };
  return (
    <>
      <Head title="Messages" call={call} page="messages" />
      <Filters names={FILTERS} params={params}>
        <Choice name="status" label="Status" of={MESSAGE_STATUSES} params={params} />
        <Choice name="channel" label="Channel" of={MESSAGE_CHANNELS} params={params} />
        <Text name="operationId" label="Operation" hint="comms_operation_…" params={params} />
        <Text name="tags" label="Tags" hint="key:value;" params={params} />
      </Filters>
      <Rows<Message>
        label="Messages"
        call={call}
        member="messages"
        id={(message) => message.id}
        open={(message) => go("message", { id: message.id })}
        columns={COLUMNS}
        every={EVERY}
        empty={
          <p>
            {isFiltered(FILTERS, params)
              ? "No message fits these filters."
              : "There are no messages yet: POST /v1/Messages sends some."}
          </p>
        }
      />
    </>
  );
}

/** A filter that is a text: it counts when the field is left, or with Enter. */
function Text(props: { name: string; label: string; hint: string; params: Params }): JSX.Element {
  const id = useId();
  const change = (text: string) => {
    const value = text.trim();
    set({ [props.name]: props.name === "tags" && value && !value.endsWith(";") ? `${value};` : value });
  };
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        value={props.params[props.name] ?? ""}
        placeholder={props.hint}
        onChange={(event) => change(event.currentTarget.value)}
        autocomplete="off"
        spellcheck={false}
      />
    </div>
  );
}

const COLUMNS: readonly Column<Message>[] = [
  {
    name: "To",
    kind: "main",
    cell: (message) => (
      <>
        <a data-row href={href("message", { id: message.id })}>
          {message.to.map((one) => one.address).join(", ")}
        </a>
        <span class="below">
          {message.from?.address ?? "no sender"} · <Time at={message.createdAt} />
        </span>
      </>
    ),
  },
  { name: "Status", cell: (message) => <State state={message.status} /> },
  {
    name: "From",
    kind: "extra",
    cell: (message) =>
      message.from?.address ? `${message.from.channel} ${message.from.address}` : <span class="quiet">none yet</span>,
  },
  { name: "Tags", kind: "wide", cell: (message) => <TagList tags={message.tags} /> },
  { name: "Created", kind: "extra", cell: (message) => <Time at={message.createdAt} /> },
  { name: "Id", kind: "extra", cell: (message) => <CopiedId id={message.id} of="message id" /> },
];
