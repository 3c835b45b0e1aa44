import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, useAnswer, type Call } from "../api.ts";
import { check } from "../csv.ts";
import { DeskField, useDesk } from "../desk.tsx";
import { Confirm, Dialog, useRun } from "../dialog.tsx";
import { isFiltered, queryOf, SENDER_FILTERS, SenderFilters } from "../filters.tsx";
import { enter, enterCall, nothing, type Result } from "../inventory.ts";
import { useKeys } from "../keys.ts";
import { Behind, count, Head, Id, parseTags, plural, Skeleton, State, TagList, Time, Trouble, writeTags } from "../marks.tsx";
import { href, set, type Params } from "../route.ts";
import { Heads, Rows, type Column } from "../rows.tsx";
import { useSyncExternalStore } from "../store.ts";
import { type Channel, type Sender } from "../wire.ts";

const EXAMPLE = `channel,address,displayName,status,tags
SMS,+12025550100,Support,,team=red;tier=gold
EMAIL,hello@example.com,,,`;

// A searched address is not in the page's URL, as it is not in the API's URLs.
let sought = "";
const seekers = new Set<() => void>();

/** Searches the senders with an address; an empty address shows the list again. */
export function seek(address: string): void {
  sought = address;
  for (const seeker of seekers) seeker();
}

/** The inventory: the list, search by address, import, and single senders. */
export function SendersScreen({ params }: { params: Params }): JSX.Element {
  const query = queryOf(SENDER_FILTERS, params);
  const call: Call = { path: "/v1/Senders", query };
  const [round, setRound] = useState(0);
  const [changed, setChanged] = useState<ReadonlyMap<string, Sender>>(new Map());
  const address = useSyncExternalStore(seekers, () => sought);
  const change = (sender: Sender) => setChanged((before) => new Map(before).set(sender.id, sender));
  useKeys({ n: () => set({ import: "1" }), ...(address ? { Escape: () => seek("") } : {}) });
  const columns = [...senderColumns(changed), toggle(changed, change)];
  return (
    <>
      <Head
        title="Senders"
        call={address ? searchCall(address, channelsOf(address)[0]!) : call}
        page={address ? "senders#search" : "senders#list"}
      >
        <button class="main" onClick={() => set({ import: "1" })}>
          Import
        </button>
      </Head>
      <Search address={address} />
      {address ? (
        <Found key={address} address={address} columns={columns} />
      ) : (
        <>
          <SenderFilters params={params} />
          <Rows<Sender>
            label="Senders"
            call={call}
            member="senders"
            id={(sender) => sender.id}
            open={(sender) => set({ id: sender.id }, false)}
            columns={columns}
            round={round}
            every={15_000}
            empty={
              isFiltered(SENDER_FILTERS, params) ? (
                <p>No sender fits these filters.</p>
              ) : (
                <p>
                  There are no senders yet. <b>Import</b> takes a CSV with the columns <code>channel</code> and{" "}
                  <code>address</code>.
                </p>
              )
            }
          />
        </>
      )}
      {params["import"] && <Import close={() => set({ import: "" })} done={() => setRound((before) => before + 1)} />}
      {params["id"] && (
        <One
          id={params["id"]}
          close={() => set({ id: "" })}
          change={change}
          gone={() => (setRound((before) => before + 1), set({ id: "" }))}
        />
      )}
    </>
  );
}

/** The columns of a sender, in the inventory and in a pool's members. */
export function senderColumns(changed: ReadonlyMap<string, Sender> = new Map()): readonly Column<Sender>[] {
  const now = (sender: Sender) => changed.get(sender.id) ?? sender;
  return [
    {
      name: "Address",
      kind: "main",
      cell: (sender) => (
        <>
          <a data-row href={href("senders", { id: sender.id })}>
            {sender.address}
          </a>
          <span class="below">
            {[sender.channel, now(sender).status.toLowerCase(), now(sender).displayName].filter(Boolean).join(" · ")}
          </span>
        </>
      ),
    },
    { name: "Channel", kind: "extra", cell: (sender) => sender.channel },
    { name: "Name", kind: "extra", cell: (sender) => now(sender).displayName ?? <span class="quiet">none</span> },
    { name: "Status", kind: "extra", cell: (sender) => <State state={now(sender).status} /> },
    { name: "Tags", kind: "wide", cell: (sender) => <TagList tags={now(sender).tags} /> },
    { name: "Created", kind: "wide", cell: (sender) => <Time at={sender.createdAt} /> },
  ];
}

function toggle(changed: ReadonlyMap<string, Sender>, change: (sender: Sender) => void): Column<Sender> {
  return { name: "Change", kind: "act", cell: (sender) => <Toggle sender={changed.get(sender.id) ?? sender} change={change} /> };
}

function Toggle({ sender, change }: { sender: Sender; change: (sender: Sender) => void }): JSX.Element {
  const { busy, failure, run } = useRun(async () => change(await ask<Sender>(statusCall(sender))));
  const act = sender.status === "ACTIVATED" ? "Deactivate" : "Activate";
  return (
    <button onClick={() => void run()} disabled={busy} title={failure?.message} aria-label={`${act} ${sender.address}`}>
      {failure ? "Failed: again" : act}
    </button>
  );
}

function statusCall(sender: Sender): Call {
  const status = sender.status === "ACTIVATED" ? "DEACTIVATED" : "ACTIVATED";
  return { method: "PATCH", path: `/signalbox/v1/Senders/${sender.id}`, body: { status } };
}

// --- search

function Search({ address }: { address: string }): JSX.Element {
  const [text, setText] = useState(address);
  useEffect(() => setText(address), [address]);
  return (
    <form
      class="filters"
      role="search"
      aria-label="By address"
      onSubmit={(event) => {
        event.preventDefault();
        seek(text.trim());
      }}
    >
      <label>
        Address
        <input
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          placeholder="+12025550100, hello@example.com"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <button>Find</button>
      {address && (
        <button type="button" class="plain" onClick={() => seek("")}>
          Show all senders
        </button>
      )}
    </form>
  );
}

/** The channels that can have such an address. */
function channelsOf(address: string): readonly Channel[] {
  if (address.startsWith("+")) return ["SMS", "WHATSAPP", "RCS"];
  return address.includes("@") ? ["EMAIL", "RCS"] : ["PUSH", "RCS"];
}

function searchCall(address: string, channel: Channel): Call {
  return { method: "POST", path: "/v1/Senders/Search", body: { address, channel } };
}

function Found({ address, columns }: { address: string; columns: readonly Column<Sender>[] }): JSX.Element {
  const [found, setFound] = useState<Sender[]>();
  const { failure, run } = useRun(async () => {
    const pages = channelsOf(address).map((channel) => ask<{ senders: Sender[] }>(searchCall(address, channel)));
    setFound((await Promise.all(pages)).flatMap((page) => page.senders));
  });
  useEffect(() => void run(), []);
  if (failure) return <Trouble failure={failure} again={() => void run()} />;
  if (!found) return <Skeleton lines={2} />;
  if (!found.length) {
    return (
      <p class="empty">
        No sender has the address <b>{address}</b> on {channelsOf(address).join(", ")}.
      </p>
    );
  }
  return (
    <div class="rows">
      <table aria-label="Found">
        <Heads columns={columns} />
        <tbody>
          {found.map((sender, index) => (
            <tr key={sender.id}>
              {columns.map((column) => (
                <td key={column.name} class={column.kind}>
                  {column.cell(sender, index)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// --- import

function Import({ close, done }: { close: () => void; done: () => void }): JSX.Element {
  const value = useDesk(false);
  const [progress, setProgress] = useState<{ done: number; total: number }>();
  const [result, setResult] = useState<Result>();
  const { desk, good, text } = value;
  const { busy, failure, run } = useRun(async () => {
    setResult(undefined);
    const entered = nothing();
    try {
      await enter(desk, (sent, total) => setProgress({ done: sent, total }), entered);
    } finally {
      value.setRefused(entered.refused);
      if (entered.rows.length || entered.refused.length) setResult(entered);
      done();
    }
  });
  const lines = new Set(result?.refused.map((one) => one.line)).size;
  const over = result && check(text, false).rows.length > 0;
  return (
    <Dialog title="Import senders" close={close} wide>
      <form onSubmit={(event) => (event.preventDefault(), good > 0 && !busy && void run())}>
        <DeskField label="CSV with the columns channel and address" example={EXAMPLE} value={value} disabled={busy} />
        {progress && (
          <label>
            {`${count(progress.done)} of ${count(progress.total)} rows sent`}
            <progress value={progress.done} max={progress.total} />
          </label>
        )}
        <div role="status">
          {over && (
            <p>
              <b>{count(result.created)}</b> new, <b>{count(result.updated)}</b> updated,{" "}
              <b class={lines ? "bad" : ""}>{plural(lines, "line")}</b>{" "}
              refused{lines ? ": the reasons stand beside them" : ""}.
            </p>
          )}
        </div>
        {failure && <Trouble failure={failure} />}
        <Behind call={enterCall("")} page="inventory" />
        <div class="buttons">
          <button type="button" onClick={close}>
            Close
          </button>
          <button class="main" disabled={good === 0 || busy}>
            {busy ? "Importing…" : `Import ${plural(good, "row")}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

// --- one sender

function One(props: {
  id: string;
  close: () => void;
  change: (sender: Sender) => void;
  gone: () => void;
}): JSX.Element {
  const call: Call = { path: `/v1/Senders/${props.id}` };
  const { answer, failure, again } = useAnswer<Sender>(call);
  return (
    <Dialog title="Sender" close={props.close}>
      <Behind call={call} page="senders#fetch" />
      {failure && <Trouble failure={failure} again={again} />}
      {!answer && !failure && <Skeleton lines={5} />}
      {answer && <Facts key={answer.updatedAt} sender={answer} {...props} again={again} />}
    </Dialog>
  );
}

function Facts(props: {
  sender: Sender;
  close: () => void;
  change: (sender: Sender) => void;
  gone: () => void;
  again: () => void;
}): JSX.Element {
  const { sender } = props;
  const [name, setName] = useState(sender.displayName ?? "");
  const [tags, setTags] = useState(writeTags(sender.tags));
  const [deleting, setDeleting] = useState(false);
  const parsed = parseTags(tags);
  const body = {
    ...(name === (sender.displayName ?? "") ? {} : { displayName: name || null }),
    ...(tags === writeTags(sender.tags) ? {} : { tags: parsed }),
  };
  const call: Call = { method: "PATCH", path: `/signalbox/v1/Senders/${sender.id}`, body };
  const { busy, failure, run } = useRun(async (what: Call) => {
    props.change(await ask<Sender>(what));
    props.again();
  });
  const ready = parsed && !busy && Object.keys(body).length > 0;
  const remove: Call = { method: "DELETE", path: `/signalbox/v1/Senders/${sender.id}` };
  return (
    <form onSubmit={(event) => (event.preventDefault(), ready && void run(call))}>
      <dl class="facts">
        <dt>Id</dt>
        <dd>
          <Id id={sender.id} whole />
        </dd>
        <dt>Address</dt>
        <dd>
          {sender.channel} <b>{sender.address}</b>
        </dd>
        <dt>Status</dt>
        <dd>
          <State state={sender.status} />{" "}
          <button type="button" disabled={busy} onClick={() => void run(statusCall(sender))}>
            {sender.status === "ACTIVATED" ? "Deactivate" : "Activate"}
          </button>
        </dd>
        <dt>Created</dt>
        <dd>
          <Time at={sender.createdAt} />
        </dd>
        <dt>Changed</dt>
        <dd>
          <Time at={sender.updatedAt} />
        </dd>
      </dl>
      <label>
        Display name
        <input value={name} onInput={(event) => setName(event.currentTarget.value)} maxLength={256} autocomplete="off" />
      </label>
      <label>
        Tags
        <input value={tags} onInput={(event) => setTags(event.currentTarget.value)} aria-invalid={!parsed} autocomplete="off" />
      </label>
      {!parsed && <p class="wrong">Tags are k=v; k=v: at most 10, of letters, digits and . _ ~ -</p>}
      {failure && <Trouble failure={failure} />}
      <Behind call={call} page="inventory" />
      <div class="buttons">
        <button type="button" class="danger" onClick={() => setDeleting(true)}>
          Delete
        </button>
        <button class="main" disabled={!ready}>
          Save
        </button>
      </div>
      {deleting && (
        <Confirm
          title="Delete this sender?"
          act="Delete sender"
          danger
          close={() => setDeleting(false)}
          run={async () => {
            await ask(remove);
            props.gone();
          }}
        >
          <p>
            {sender.channel} <b>{sender.address}</b> leaves the account and every pool. To keep it there unused, deactivate it.
          </p>
          <Behind call={remove} page="inventory" />
        </Confirm>
      )}
    </form>
  );
}

