/** The search box: pools and senders by name, address, tag or the end of an id; ids and screens. A combobox of WAI-ARIA. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, Failure, type Call } from "./api.ts";
import { channelsOf, learn, usePoolNames } from "./names.ts";
import { count } from "./marks.tsx";
import { go, type Screen } from "./route.ts";
import { useSyncExternalStore } from "./store.ts";
import type { Pagination, Sender, SenderPool } from "./wire.ts";

// Results of each kind, and milliseconds without a key before the server is asked.
const SHOWN = 6;
const PAUSE = 150;
const LONGEST = 320;

export type Kind = "SenderPools" | "Senders";

interface Option {
  id: string;
  group: string;
  label: JSX.Element | string;
  act: () => void;
}

interface Results {
  text: string;
  options: Option[];
  failure: string;
}

const NONE: Results = { text: "", options: [], failure: "" };

// A text that is searched for may be a person's address: it is in no URL of the page, as it is in none of the API.
let sought = { SenderPools: "", Senders: "" };
const seekers = new Set<() => void>();

/** Shows what a text finds on the screen of its kind; an empty text shows the list again. */
export function seek(kind: Kind, text: string): void {
  sought = { ...sought, [kind]: text };
  for (const seeker of seekers) seeker();
}

/** The text that the screen of a kind searches for; empty when it shows its list. */
export function useSought(kind: Kind): string {
  return useSyncExternalStore(seekers, () => sought[kind]);
}

export function findCall(kind: Kind, text: string): Call {
  return { method: "POST", path: `/signalbox/v1/${kind}/Search`, body: { text } };
}

/** What a screen shows in the place of its filters while it shows what a text finds. */
export function Sought({ kind, text, all }: { kind: Kind; text: string; all: string }): JSX.Element {
  return (
    <p class="sought" role="status">
      Found by <b>{text}</b>{" "}
      <button class="plain" onClick={() => seek(kind, "")}>
        {all}
      </button>
    </p>
  );
}

export function Find({
  input,
  places,
}: {
  input: { current: HTMLInputElement | null };
  places: readonly { screen: Screen; name: string }[];
}): JSX.Element {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const wanted = text.trim();
  const results = useResults(wanted);
  const fresh = results.text === wanted;
  const options = wanted ? [...direct(wanted, places), ...(fresh ? results.options : [])] : [];
  const pressed = useRef(false);
  const active = options[Math.min(at, options.length - 1)];
  const choose = (option: Option) => {
    pressed.current = false;
    setText("");
    setOpen(false);
    input.current?.blur();
    option.act();
  };
  // Enter was pressed before the response came: the first result is opened when it is there.
  useEffect(() => {
    if (pressed.current && fresh && active) choose(active);
    else if (fresh) pressed.current = false;
  }, [fresh]);
  const keys: Record<string, () => void> = {
    ArrowDown: () => (setOpen(true), setAt((at + 1) % Math.max(1, options.length))),
    ArrowUp: () => (setOpen(true), setAt((at - 1 + options.length) % Math.max(1, options.length))),
    Enter: () => {
      if (active && open) choose(active);
      else if (wanted) pressed.current = true;
    },
    Escape: () => {
      pressed.current = false;
      if (open && wanted) return setOpen(false);
      setText("");
      input.current?.blur();
    },
  };
  const shown = open && wanted !== "";
  return (
    <div class="search" role="search">
      <input
        ref={input}
        role="combobox"
        value={text}
        maxLength={LONGEST}
        onInput={(event) => (setText(event.currentTarget.value), setAt(0), setOpen(true))}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          const act = event.isComposing ? undefined : keys[event.key];
          if (!act) return;
          event.preventDefault();
          event.stopPropagation();
          act();
        }}
        placeholder="Find a name, address, tag or id"
        aria-label="Search"
        aria-autocomplete="list"
        aria-expanded={shown}
        aria-controls="found"
        aria-activedescendant={shown && active ? optionId(active) : undefined}
        autocomplete="off"
        spellcheck={false}
      />
      <kbd aria-hidden="true">/</kbd>
      <div id="found" class={shown ? "found" : "unseen"} role="listbox" aria-label="Found">
        {shown && groups(options).map(([name, of]) => (
          <div role="group" aria-label={name} key={name}>
            <span class="group" aria-hidden="true">
              {name}
            </span>
            {of.map((option) => (
              <div
                key={option.id}
                id={optionId(option)}
                role="option"
                aria-selected={option === active}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(option)}
              >
                {option.label}
              </div>
            ))}
          </div>
        ))}
      </div>
      <output class={shown && !options.length ? "found none" : "unseen"}>
        {shown && (options.length ? `${count(options.length)} found` : fresh ? results.failure || "Nothing found" : "Searching…")}
      </output>
    </div>
  );
}

function optionId(option: Option): string {
  return `option-${option.id}`;
}

function groups(options: readonly Option[]): [string, Option[]][] {
  return [...Map.groupBy(options, (option) => option.group)];
}

/** What needs no request: a whole id, and screens by the start of their name. */
function direct(text: string, places: readonly { screen: Screen; name: string }[]): Option[] {
  const option = (id: string, group: string, label: string, act: () => void) => ({ id, group, label, act });
  if (/^comms_operation_\w+$/.test(text)) return [option("id", "By id", "This operation", () => go("operation", { id: text }))];
  if (/^comms_senderpool_\w+$/.test(text)) return [option("id", "By id", "This pool", () => go("pool", { id: text }))];
  if (/^comms_sender_\w+$/.test(text)) return [option("id", "By id", "This sender", () => go("senders", { id: text }))];
  return places
    .filter((one) => one.name.toLowerCase().startsWith(text.toLowerCase()))
    .map((one) => option(one.screen, "Screens", one.name, () => go(one.screen)));
}

/** The pools and senders that the text finds, once the user stops typing; a response to an older text is dropped. */
function useResults(text: string): Results {
  const [results, setResults] = useState(NONE);
  useEffect(() => {
    if (!text || /^comms_(operation|senderpool|sender)_\w{26}$/.test(text)) return setResults({ ...NONE, text });
    const leaving = new AbortController();
    const timer = setTimeout(() => void search(text, leaving.signal).then(setResults, () => undefined), PAUSE);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [text]);
  return results;
}

async function search(text: string, signal: AbortSignal): Promise<Results> {
  try {
    const [pools, senders] = await Promise.all([
      ask<{ senderPools: SenderPool[]; pagination: Pagination }>(few("SenderPools", text), signal),
      ask<{ senders: Sender[]; pagination: Pagination }>(few("Senders", text), signal),
    ]);
    if (pools.senderPools.length) void learn(pools.senderPools.map((pool) => pool.id));
    const options: Option[] = [
      ...pools.senderPools.map((pool) => ({
        id: pool.id,
        group: "Pools",
        label: <PoolLabel pool={pool} />,
        act: () => go("pool", { id: pool.id }),
      })),
      ...rest("SenderPools", pools.pagination, text),
      ...senders.senders.map((sender) => ({
        id: sender.id,
        group: "Senders",
        label: <SenderLabel sender={sender} />,
        act: () => go("senders", { id: sender.id }),
      })),
      ...rest("Senders", senders.pagination, text),
    ];
    return { text, options, failure: "" };
  } catch (error) {
    if (error instanceof Failure) return { text, options: [], failure: error.message };
    throw error;
  }
}

function few(kind: Kind, text: string): Call {
  const call = findCall(kind, text);
  return { ...call, body: { ...(call.body as object), pageSize: SHOWN } };
}

/** The option that shows all results on their screen. */
function rest(kind: Kind, { next }: Pagination, text: string): Option[] {
  if (next === null) return [];
  const name = kind === "Senders" ? "Senders" : "Pools";
  const act = () => {
    seek(kind, text);
    go(kind === "Senders" ? "senders" : "pools");
  };
  return [{ id: `all-${kind}`, group: name, label: `All ${name.toLowerCase()} found`, act }];
}

function PoolLabel({ pool }: { pool: SenderPool }): JSX.Element {
  const names = usePoolNames(pool.id);
  return (
    <>
      <span class="name">{pool.name}</span>
      <span class="quiet">
        {names ? `${count(names.senders)} · ${channelsOf(names) || "no senders"} · ` : ""}…{pool.id.slice(-8)}
      </span>
    </>
  );
}

function SenderLabel({ sender }: { sender: Sender }): JSX.Element {
  return (
    <>
      <span class="name">{sender.address}</span>
      <span class="quiet">
        {[sender.channel, sender.displayName].filter(Boolean).join(" · ")} · …{sender.id.slice(-8)}
      </span>
    </>
  );
}
