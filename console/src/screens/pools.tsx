import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { ask, Failure, newKey, type Call } from "../api.ts";
import { DeskField, LeftOut, useDesk, useSenderIds } from "../desk.tsx";
import { Dialog, useRun } from "../dialog.tsx";
import { PoolChannels, PoolLink, PoolSenders, TotalOf, totalCall } from "../called.tsx";
import { Dates, Filters, isFiltered, queryOf } from "../filters.tsx";
import { findCall, seek, Sought, useSought } from "../find.tsx";
import { useKeys } from "../keys.ts";
import { Behind, count, Head, CopiedId, parseTags, plural, TagList, Trouble } from "../marks.tsx";
import { go, set, type Params } from "../route.ts";
import { Rows, type Column } from "../rows.tsx";
import { Time } from "../times.tsx";
import type { OperationReference, SenderPool } from "../wire.ts";

const FILTERS = ["startDate", "endDate"] as const;
// The most senders of one create.
const MOST = 10_000;
const EXAMPLE = "channel,address,displayName,tags\nSMS,+12025550100,Support,team=red\n\nor ids, one a line:\ncomms_sender_…";

/** All pools, newest first, and the dialog for a new one. */
export function PoolsScreen({ params }: { params: Params }): JSX.Element {
  const query = queryOf(FILTERS, params);
  const sought = useSought("SenderPools");
  const call: Call = sought ? findCall("SenderPools", sought) : { path: "/v1/SenderPools", query };
  useKeys({ n: () => set({ new: "1" }), ...(sought ? { Escape: () => seek("SenderPools", "") } : {}) });
  return (
    <>
      <Head title="Pools" call={call} page={sought ? "names#search" : "sender-pools#list"}>
        <button class="main" onClick={() => set({ new: "1" })}>
          New pool
        </button>
      </Head>
      {sought ? (
        <Sought kind="SenderPools" text={sought} all="Show all pools" />
      ) : (
        <>
          <Filters names={FILTERS} params={params}>
            <Dates params={params} />
          </Filters>
          <TotalOf call={totalCall(call)} one="pool" every={20_000} />
        </>
      )}
      <Rows<SenderPool>
        label="Pools"
        call={call}
        member="senderPools"
        id={(pool) => pool.id}
        names={(pool) => [pool.id]}
        open={(pool) => go("pool", { id: pool.id })}
        columns={COLUMNS}
        every={10_000}
        empty={
          sought ? (
            <p>No pool is found by this text.</p>
          ) : isFiltered(FILTERS, params) ? (
            <p>No pool was created in that time.</p>
          ) : (
            <p>
              There are no pools yet. <b>New pool</b> makes one from a CSV of senders, from ids, or an empty one.
            </p>
          )
        }
      />
      {params["new"] && <NewPool close={() => set({ new: "" })} />}
    </>
  );
}

const COLUMNS: readonly Column<SenderPool>[] = [
  {
    name: "Name",
    kind: "main",
    cell: (pool) => (
      <>
        <PoolLink id={pool.id}>{pool.name}</PoolLink>
        <span class="below">
          <PoolChannels id={pool.id} /> · <Time at={pool.createdAt} />
        </span>
      </>
    ),
  },
  { name: "Senders", kind: "number", cell: (pool) => <PoolSenders id={pool.id} /> },
  { name: "Channels", kind: "extra", cell: (pool) => <PoolChannels id={pool.id} /> },
  { name: "Tags", kind: "extra", cell: (pool) => <TagList tags={pool.tags} /> },
  { name: "Created", kind: "wide", cell: (pool) => <Time at={pool.createdAt} /> },
  { name: "Id", kind: "extra", cell: (pool) => <CopiedId id={pool.id} /> },
];

/** Creates a pool with the senders of a CSV. Rows of inventory are entered first; refused rows are shown before the create. */
function NewPool({ close }: { close: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const [tags, setTags] = useState("");
  const key = useRef({ body: "", key: "" });
  const value = useDesk(true);
  const { ids, step, number, left } = useSenderIds(value);
  const parsed = parseTags(tags);
  const { busy, failure, run } = useRun(async () => {
    const senders = await ids();
    if (!senders) return;
    if (senders.length > MOST) {
      throw new Failure(0, `A pool is made with ${count(MOST)} senders at most; add the rest to it afterwards.`);
    }
    const body = {
      ...(name ? { name } : {}),
      ...(tags ? { tags: parsed } : {}),
      senders: senders.map((senderId) => ({ senderId })),
    };
    // The same body has the same key: a retry after a lost response creates the pool once.
    const written = JSON.stringify(body);
    if (key.current.body !== written) key.current = { body: written, key: newKey() };
    const call: Call = { ...createCall(name), body, headers: { "idempotency-key": key.current.key } };
    const made = await ask<OperationReference>(call);
    go("operation", { id: made.operationId });
  });

  const act = number ? `Create with ${plural(number, "sender")}` : "Create empty pool";
  const ready = parsed && !busy && (number > 0 || !value.text.trim());
  return (
    <Dialog title="New pool" close={close} wide>
      <form onSubmit={(event) => (event.preventDefault(), ready && void run())}>
        <div class="pair">
          <label>
            Name
            <input
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
              maxLength={256}
              autofocus
              autocomplete="off"
            />
          </label>
          <label>
            Tags
            <input
              value={tags}
              onInput={(event) => setTags(event.currentTarget.value)}
              placeholder="team=red; env=test"
              aria-invalid={!parsed}
              autocomplete="off"
            />
          </label>
        </div>
        {!parsed && <p class="wrong">Tags are k=v; k=v: at most 10, of letters, digits and . _ ~ -</p>}
        <DeskField label="Senders" example={EXAMPLE} value={value} disabled={busy} />
        <LeftOut left={left} refused={value.refused} />
        {failure && <Trouble failure={failure} />}
        <Behind call={createCall(name)} page="sender-pools#create" />
        <div class="buttons">
          <span class="quiet" role="status">
            {step}
          </span>
          <button type="button" onClick={close}>
            Close
          </button>
          <button class="main" disabled={!ready}>
            {busy ? "Working…" : act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function createCall(name: string): Call {
  return { method: "POST", path: "/v1/SenderPools", body: { ...(name ? { name } : {}), senders: [] } };
}
