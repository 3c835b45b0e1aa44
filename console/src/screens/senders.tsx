import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, useAnswer, type Call } from "../api.ts";
import { Address, PoolLink, SenderPools, TotalOf, totalCall } from "../called.tsx";
import { check } from "../csv.ts";
import { DeskField, useDesk } from "../desk.tsx";
import { Confirm, Dialog, useRun } from "../dialog.tsx";
import { isFiltered, queryOf, SENDER_FILTERS, SenderFilters } from "../filters.tsx";
import { findCall, seek, Sought, useSought } from "../find.tsx";
import { enter, enterCall, nothing, type Result } from "../inventory.ts";
import { useKeys } from "../keys.ts";
import { Behind, count, Head, CopiedId, parseTags, plural, Skeleton, State, TagList, Time, Trouble, writeTags } from "../marks.tsx";
import { useLearn, useSenderNames } from "../names.ts";
import { back, href, set, type Params } from "../route.ts";
import { Rows, type Column } from "../rows.tsx";
import type { InventorySender, Sender } from "../wire.ts";

const EXAMPLE = `channel,address,displayName,status,tags,region
SMS,+12025550100,Support,,team=red;tier=gold,
SMS,27312,,,,CA
EMAIL,hello@example.com,,,,`;

/** The inventory: the list, search by address, import, and single senders. */
export function SendersScreen({ params }: { params: Params }): JSX.Element {
  const query = queryOf(SENDER_FILTERS, params);
  const sought = useSought("Senders");
  const call: Call = sought ? findCall("Senders", sought) : { path: "/v1/Senders", query };
  const [round, setRound] = useState(0);
  const [changed, setChanged] = useState<ReadonlyMap<string, Sender>>(new Map());
  const change = (sender: Sender) => setChanged((before) => new Map(before).set(sender.id, sender));
  useKeys({ n: () => set({ import: "1" }), ...(sought ? { Escape: () => seek("Senders", "") } : {}) });
  const columns = [...senderColumns(changed), toggle(changed, change)];
  return (
    <>
      <Head title="Senders" call={call} page={sought ? "names#search" : "senders#list"}>
        <button class="main" onClick={() => set({ import: "1" })}>
          Import
        </button>
      </Head>
      {sought ? (
        <Sought kind="Senders" text={sought} all="Show all senders" />
      ) : (
        <>
          <SenderFilters params={params} />
          <TotalOf call={totalCall(call)} one="sender" every={20_000} />
        </>
      )}
      <Rows<Sender>
        label="Senders"
        call={call}
        member="senders"
        id={(sender) => sender.id}
        names={(sender) => [sender.id]}
        open={(sender) => set({ id: sender.id }, false)}
        columns={columns}
        round={round}
        every={15_000}
        empty={
          sought ? (
            <p>No sender is found by this text.</p>
          ) : isFiltered(SENDER_FILTERS, params) ? (
            <p>No sender fits these filters.</p>
          ) : (
            <p>
              There are no senders yet. <b>Import</b> takes a CSV with the columns <code>channel</code> and{" "}
              <code>address</code>.
            </p>
          )
        }
      />
      {params["import"] && <Import close={() => set({ import: "" })} done={() => setRound((before) => before + 1)} />}
      {params["id"] && (
        <One
          id={params["id"]}
          close={() => back("senders")}
          change={change}
          gone={() => (setRound((before) => before + 1), back("senders"))}
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
          <a data-row class="address" href={href("senders", { id: sender.id })} title={sender.address}>
            <Address of={sender.address} />
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
    { name: "Pools", kind: "extra", cell: (sender) => <SenderPools id={sender.id} /> },
    { name: "Tags", kind: "wide", cell: (sender) => <TagList tags={now(sender).tags} /> },
    { name: "Created", kind: "huge", cell: (sender) => <Time at={sender.createdAt} /> },
    { name: "Id", kind: "wide", cell: (sender) => <CopiedId id={sender.id} of="sender id" /> },
  ];
}

function toggle(changed: ReadonlyMap<string, Sender>, change: (sender: Sender) => void): Column<Sender> {
  return { name: "Change", kind: "act", cell: (sender) => <Toggle sender={changed.get(sender.id) ?? sender} change={change} /> };
}

/** Deactivating is asked about: messages are no longer sent from such an address. */
function Toggle({ sender, change }: { sender: Sender; change: (sender: Sender) => void }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const { busy, failure, run } = useRun(async () => change(await ask<Sender>(statusCall(sender))));
  const active = sender.status === "ACTIVATED";
  const act = active ? "Deactivate" : "Activate";
  return (
    <>
      <button
        type="button"
        onClick={() => (active ? setAsking(true) : void run())}
        disabled={busy}
        title={failure?.message}
        aria-label={`${act} ${sender.address}`}
      >
        {failure ? "Failed: again" : act}
      </button>
      {asking && (
        <Confirm
          title="Deactivate this sender?"
          act="Deactivate"
          danger
          close={() => setAsking(false)}
          run={async () => {
            await run();
            setAsking(false);
          }}
        >
          <p>
            {sender.channel} <b>{sender.address}</b> stays in its pools, and is no longer found by Resolve until it is activated.
          </p>
          <Behind call={statusCall(sender)} page="inventory" />
        </Confirm>
      )}
    </>
  );
}

function statusCall(sender: Sender): Call {
  const status = sender.status === "ACTIVATED" ? "DEACTIVATED" : "ACTIVATED";
  return { method: "PATCH", path: `/signalbox/v1/Senders/${sender.id}`, body: { status } };
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
      value.setWarnings(entered.warnings);
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
  const call: Call = { path: `/signalbox/v1/Senders/${props.id}` };
  const { answer, failure, again } = useAnswer<InventorySender>(call);
  const name = answer?.displayName ?? answer?.address;
  useEffect(() => {
    if (!name) return;
    const before = document.title;
    document.title = `${name} · Senders · Signalbox`;
    return () => {
      document.title = before;
    };
  }, [name]);
  return (
    <Dialog title={name ?? "Sender"} close={props.close}>
      <Behind call={call} page="inventory#regions" />
      {failure && <Trouble failure={failure} again={again} />}
      {!answer && !failure && <Skeleton lines={5} />}
      {answer && <Facts key={answer.updatedAt} sender={answer} {...props} again={again} />}
    </Dialog>
  );
}

/** The pools that a sender is in, three at most. */
function PoolsOf({ id }: { id: string }): JSX.Element {
  useLearn([id]);
  const names = useSenderNames(id);
  if (!names) return <></>;
  if (!names.senderPools.length) return <span class="quiet">none</span>;
  return (
    <>
      {names.senderPools.map((pool) => (
        <span class="in-pool" key={pool.id}>
          <PoolLink id={pool.id}>{pool.name}</PoolLink>{" "}
        </span>
      ))}
      {names.moreSenderPools && "and others"}
    </>
  );
}

function Facts(props: {
  sender: InventorySender;
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
          <CopiedId id={sender.id} whole of="sender id" />
        </dd>
        <dt>Address</dt>
        <dd>
          {sender.channel} <b>{sender.address}</b>
        </dd>
        <dt>Region</dt>
        <dd>{sender.region ?? <span class="quiet">none</span>}</dd>
        <dt>Status</dt>
        <dd>
          <State state={sender.status} />{" "}
          <Toggle sender={sender} change={(changed) => (props.change(changed), props.again())} />
        </dd>
        <dt>Pools</dt>
        <dd>
          <PoolsOf id={sender.id} />
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

