import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, newKey, useAnswer, type Call } from "../api.ts";
import { DeskField, LeftOut, useDesk, useSenderIds } from "../desk.tsx";
import { TotalOf, totalCall } from "../called.tsx";
import { Confirm, Dialog, useRun } from "../dialog.tsx";
import { isFiltered, queryOf, SENDER_FILTERS, SenderFilters } from "../filters.tsx";
import { useKeys } from "../keys.ts";
import { Behind, count, Head, CopiedId, parseTags, plural, Skeleton, TagList, Time, Trouble, writeTags } from "../marks.tsx";
import { Bars } from "../plots.tsx";
import { go, href, type Params } from "../route.ts";
import { Rows } from "../rows.tsx";
import { type Composition, type OperationReference, type Sender, type SenderPool } from "../wire.ts";
import { senderColumns } from "./senders.tsx";

// The most senders of one add.
const PIECE = 1000;
const COUNTRIES = new Intl.DisplayNames("en", { type: "region" });
const MOST_COUNTRIES = 12;

type Task = "edit" | "add" | "delete" | "";

/** One pool: its composition, its members, and its actions. */
export function PoolScreen({ params }: { params: Params }): JSX.Element {
  const id = params["id"] ?? "";
  const call: Call = { path: `/v1/SenderPools/${id}` };
  const { answer, failure, again } = useAnswer<SenderPool>(id ? call : null, 10_000);
  if (!id) {
    return (
      <p class="empty">
        The address names no pool. <a href={href("pools")}>All pools</a>
      </p>
    );
  }
  if (answer && !(failure?.status === 404)) return <Whole pool={answer} params={params} again={again} />;
  return (
    <>
      <Head title="Pool" call={call} page="sender-pools#fetch" />
      {failure ? <Trouble failure={failure} again={again} /> : <Skeleton lines={10} />}
    </>
  );
}

function Whole({ pool, params, again }: { pool: SenderPool; params: Params; again: () => void }): JSX.Element {
  const [task, setTask] = useState<Task>("");
  const [round, setRound] = useState(0);
  const close = () => setTask("");
  const changed = () => {
    again();
    setRound((before) => before + 1);
    close();
  };
  useKeys({ n: () => setTask("add") });
  return (
    <>
      <Head title={pool.name} name={`${pool.name} · Pools`} call={{ path: `/v1/SenderPools/${pool.id}` }} page="sender-pools#fetch">
        <button class="main" onClick={() => setTask("add")}>
          Add senders
        </button>
        <button onClick={() => setTask("edit")}>Name and tags</button>
        <button class="danger apart" onClick={() => setTask("delete")}>
          Delete
        </button>
      </Head>
      <p class="status-line">
        <CopiedId id={pool.id} whole of="pool id" />
        <span>
          created <Time at={pool.createdAt} />
        </span>
        <span>
          changed <Time at={pool.updatedAt} />
        </span>
        <TagList tags={pool.tags} />
      </p>
      <Makeup key={round} id={pool.id} />
      <Members pool={pool} params={params} round={round} add={() => setTask("add")} />
      {task === "edit" && <Edit pool={pool} close={close} changed={changed} />}
      {task === "add" && <Add pool={pool} close={close} />}
      {task === "delete" && <Delete pool={pool} close={close} />}
    </>
  );
}

function Makeup({ id }: { id: string }): JSX.Element {
  const call: Call = { path: `/signalbox/v1/SenderPools/${id}/Composition` };
  const { answer, failure, again } = useAnswer<Composition>(call, 10_000);
  const countries = answer?.countries ?? [];
  const rest = countries.slice(MOST_COUNTRIES).reduce((sum, one) => sum + one.count, 0);
  const named = countries.slice(0, MOST_COUNTRIES).map((one) => ({
    name: one.country ? (COUNTRIES.of(one.country) ?? one.country) : "no country",
    count: one.count,
    ...(one.country ? {} : { hint: "Mailboxes, push apps, agents, and numbers such as +800 belong to no country." }),
  }));
  if (rest) named.push({ name: "others", count: rest });
  return (
    <>
      <h2>Composition</h2>
      <Behind call={call} page="overview" />
      {failure && <Trouble failure={failure} again={again} />}
      {!answer && !failure && <Skeleton lines={4} />}
      {answer && answer.counted > 0 && (
        <div class="panels">
          <section class="panel">
            <h2>By channel</h2>
            <Bars label="Members by channel" of={answer.channels.map((one) => ({ name: one.channel, count: one.count }))} />
          </section>
          <section class="panel">
            <h2>By country</h2>
            <Bars label="Members by country" of={named} />
          </section>
        </div>
      )}
      {answer && (
        <p class="quiet">
          {answer.complete ? plural(answer.counted, "member") : `The newest ${count(answer.counted)} members are counted.`}
        </p>
      )}
    </>
  );
}

function Members(props: { pool: SenderPool; params: Params; round: number; add: () => void }): JSX.Element {
  const { pool, params } = props;
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<Sender>();
  const path = `/v1/SenderPools/${pool.id}/Senders`;
  const call: Call = { path, query: queryOf(SENDER_FILTERS, params) };
  const filtered = isFiltered(SENDER_FILTERS, params);
  return (
    <section>
      <h2>Members</h2>
      <Behind call={call} page="sender-pools#list-the-senders-of-a-pool" />
      <SenderFilters params={params} />
      <TotalOf call={totalCall(call)} one="sender" every={20_000} />
      <Rows<Sender>
        label="Members"
        call={call}
        member="senders"
        id={(sender) => sender.id}
        names={(sender) => [sender.id]}
        open={(sender) => go("senders", { id: sender.id })}
        round={props.round}
        every={removed.size ? 0 : 10_000}
        columns={[
          ...senderColumns(),
          {
            name: "Remove",
            kind: "act",
            cell: (sender) =>
              removed.has(sender.id) ? (
                <span class="state deactivated">removed</span>
              ) : (
                <button class="danger" onClick={() => setAsking(sender)} aria-label={`Remove ${sender.address}`}>
                  Remove
                </button>
              ),
          },
        ]}
        empty={
          filtered ? (
            <p>No member fits these filters.</p>
          ) : (
            <p>
              The pool is empty. <button onClick={props.add}>Add senders</button>
            </p>
          )
        }
      />
      {asking && (
        <Remove
          call={{ method: "DELETE", path: `${path}/${asking.id}` }}
          sender={asking}
          close={() => setAsking(undefined)}
          done={() => setRemoved((before) => new Set([...before, asking.id]))}
        />
      )}
    </section>
  );
}

function Remove(props: { call: Call; sender: Sender; close: () => void; done: () => void }): JSX.Element {
  const run = async () => {
    await ask(props.call);
    props.done();
    props.close();
  };
  return (
    <Confirm title="Remove this sender from the pool?" act="Remove" close={props.close} run={run}>
      <p>
        {props.sender.channel} <b>{props.sender.address}</b> stays in the account and in other pools.
      </p>
      <Behind call={props.call} page="sender-pools#remove-a-sender" />
    </Confirm>
  );
}

function Edit({ pool, close, changed }: { pool: SenderPool; close: () => void; changed: () => void }): JSX.Element {
  const [name, setName] = useState(pool.name);
  const [tags, setTags] = useState(writeTags(pool.tags));
  const parsed = parseTags(tags);
  const body = { ...(name === pool.name ? {} : { name }), ...(tags === writeTags(pool.tags) ? {} : { tags: parsed }) };
  const call: Call = { method: "PATCH", path: `/v1/SenderPools/${pool.id}`, body };
  const { busy, failure, run } = useRun(async () => {
    await ask(call);
    changed();
  });
  const ready = parsed && !busy && Object.keys(body).length > 0;
  return (
    <Dialog title="Name and tags" close={close}>
      <form onSubmit={(event) => (event.preventDefault(), ready && void run())}>
        <label>
          Name
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} autofocus autocomplete="off" />
        </label>
        <label>
          Tags
          <input value={tags} onInput={(event) => setTags(event.currentTarget.value)} aria-invalid={!parsed} autocomplete="off" />
        </label>
        {!parsed && <p class="wrong">Tags are k=v; k=v: at most 10, of letters, digits and . _ ~ -</p>}
        {failure && <Trouble failure={failure} />}
        <Behind call={call} page="sender-pools#change" />
        <div class="buttons">
          <button type="button" onClick={close}>
            Close
          </button>
          <button class="main" disabled={!ready}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Adds the senders of a CSV: one operation for each thousand, one after the other. */
function Add({ pool, close }: { pool: SenderPool; close: () => void }): JSX.Element {
  const value = useDesk(true);
  const { ids, step, setStep, number, left } = useSenderIds(value);
  const call: Call = { method: "POST", path: `/v1/SenderPools/${pool.id}/Senders`, body: [] };
  const { busy, failure, run } = useRun(async () => {
    const senders = await ids();
    if (!senders) return;
    let last: OperationReference | undefined;
    for (let at = 0; at < senders.length; at += PIECE) {
      setStep(`Added ${count(at)} of ${count(senders.length)}`);
      const body = senders.slice(at, at + PIECE).map((senderId) => ({ senderId }));
      last = await ask<OperationReference>({ ...call, body, headers: { "idempotency-key": newKey() } });
    }
    setStep("");
    if (last) go("operation", { id: last.operationId });
  });
  return (
    <Dialog title={`Add senders to ${pool.name}`} close={close} wide>
      <form onSubmit={(event) => (event.preventDefault(), number > 0 && !busy && void run())}>
        <DeskField
          label="Senders"
          example={"channel,address\nSMS,+12025550100\n\nor ids, one a line:\ncomms_sender_…"}
          value={value}
          disabled={busy}
        />
        <LeftOut left={left} refused={value.refused} />
        {failure && <Trouble failure={failure} />}
        <Behind call={call} page="sender-pools#add-senders" />
        <div class="buttons">
          <span class="quiet" role="status">
            {step}
          </span>
          <button type="button" onClick={close}>
            Close
          </button>
          <button class="main" disabled={number === 0 || busy}>
            {busy ? "Working…" : `Add ${plural(number, "sender")}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Delete({ pool, close }: { pool: SenderPool; close: () => void }): JSX.Element {
  const call: Call = { method: "DELETE", path: `/v1/SenderPools/${pool.id}` };
  const run = async () => {
    await ask(call);
    go("pools");
  };
  return (
    <Confirm title="Delete this pool?" act="Delete pool" danger typed={pool.name} close={close} run={run}>
      <p>The pool is deleted at once, and its unfinished operations are canceled. Its senders stay in the account.</p>
      <Behind call={call} page="sender-pools#delete" />
    </Confirm>
  );
}
