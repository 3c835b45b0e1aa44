/** Things by what people call them: links to operations, pools and senders, with the name first and the id second. */
import type { ComponentChildren, JSX } from "preact";
import { useAnswer, type Call } from "./api.ts";
import { count, Id, plural } from "./marks.tsx";
import { channelsOf, poolsOf, useOperationNames, usePoolNames, useSenderNames } from "./names.ts";
import { href } from "./route.ts";
import type { OperationNames, Total } from "./wire.ts";

/** The name of the pool of an operation. */
export function poolOf(names: OperationNames): string {
  return names.senderPool?.name ?? "(deleted pool)";
}

/** What an operation does, as `Create Support` or `Add to Support`. */
export function deed(names: OperationNames): string {
  return `${names.kind === "CREATE" ? "Create" : "Add to"} ${poolOf(names)}`;
}

export function OperationLink({ id, outcome = "" }: { id: string; outcome?: string }): JSX.Element {
  const names = useOperationNames(id);
  return (
    <a data-row href={href("operation", { id, outcome })} title={names && deed(names)}>
      {names ? deed(names) : <Id id={id} />}
    </a>
  );
}

export function OperationItems({ id }: { id: string }): JSX.Element {
  const names = useOperationNames(id);
  return <>{names ? plural(names.items, "item") : ""}</>;
}

export function PoolLink({ id, children }: { id: string; children: ComponentChildren }): JSX.Element {
  return (
    <a data-row href={href("pool", { id })}>
      {children}
    </a>
  );
}

export function PoolSenders({ id }: { id: string }): JSX.Element {
  const names = usePoolNames(id);
  return <>{names ? count(names.senders) : ""}</>;
}

export function PoolChannels({ id }: { id: string }): JSX.Element {
  const names = usePoolNames(id);
  return names ? (
    <span class="channels-of" title={channelsOf(names)}>
      {channelsOf(names)}
    </span>
  ) : (
    <></>
  );
}

/** The names of the pools that a sender is in. */
export function SenderPools({ id }: { id: string }): JSX.Element {
  const names = useSenderNames(id);
  if (!names) return <></>;
  return names.senderPools.length ? <span title={poolsOf(names)}>{poolsOf(names)}</span> : <span class="quiet">none</span>;
}

/** A sender by its address, and its name where it has one; by the end of its id while the address is not known. */
export function SenderLink({ id }: { id: string }): JSX.Element {
  const names = useSenderNames(id);
  return (
    <a data-row class="address" href={href("senders", { id })} title={names?.address}>
      {names ? (
        <>
          {names.channel} <Address of={names.address} />
        </>
      ) : (
        <Id id={id} />
      )}
    </a>
  );
}

/** The sender of an item; one that the account does not have, or whose name is not known yet, is no link. */
export function SenderOf({ id }: { id: string }): JSX.Element {
  return useSenderNames(id) ? <SenderLink id={id} /> : <Id id={id} />;
}

/** An address that breaks before its domain where the line is too short. */
export function Address({ of }: { of: string }): JSX.Element {
  const domain = of.lastIndexOf("@");
  if (domain < 0) return <>{of}</>;
  return (
    <>
      {of.slice(0, domain)}
      <wbr />
      {of.slice(domain)}
    </>
  );
}

/** How many things a list has, on top of it: counted by the server up to 10,000. */
export function TotalOf({ call, one, every }: { call: Call; one: string; every: number }): JSX.Element {
  const { answer } = useAnswer<Total>(call, every);
  return (
    <p class="total" role="status">
      {answer && <b>{answer.more ? `more than ${plural(answer.count, one)}` : plural(answer.count, one)}</b>}
    </p>
  );
}

/** The request for the total of a list. */
export function totalCall({ path, query }: Call): Call {
  return { path: `/signalbox${path}/Total`, ...(query ? { query } : {}) };
}
