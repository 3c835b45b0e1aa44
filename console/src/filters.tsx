/** Filters of lists. They are in the URL of the page, so that a view can be bookmarked and shared. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { set, type Params } from "./route.ts";
import { CHANNELS, STATUSES } from "./wire.ts";

/** The filters of every list of senders. */
export const SENDER_FILTERS = ["channel", "status", "startDate", "endDate"] as const;

/** The filters of a list as the query of the API. */
export function queryOf(names: readonly string[], params: Params): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, params[name]]));
}

export function isFiltered(names: readonly string[], params: Params): boolean {
  return names.some((name) => params[name]);
}

/** Whether the window is as narrow as a phone's. style.css has the same width. */
export function useNarrow(): boolean {
  const query = matchMedia("(max-width: 40rem)");
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const change = () => setNarrow(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  return narrow;
}

/** The filters of a list; on a phone they are folded, and their number is shown. */
export function Filters(props: { names: readonly string[]; params: Params; children: ComponentChildren }): JSX.Element {
  const fields = (
    <div class="filters">
      {props.children}
      <Clear names={props.names} params={props.params} />
    </div>
  );
  const given = props.names.filter((name) => props.params[name]).length;
  if (!useNarrow()) return fields;
  return (
    <details class="fold">
      <summary>
        Filters{given > 0 && <b> {given}</b>}
      </summary>
      {fields}
    </details>
  );
}

export function SenderFilters({ params }: { params: Params }): JSX.Element {
  return (
    <Filters names={SENDER_FILTERS} params={params}>
      <Choice name="channel" label="Channel" of={CHANNELS} params={params} />
      <Choice name="status" label="Status" of={STATUSES} params={params} />
      <Dates params={params} />
    </Filters>
  );
}

export function Choice(props: { name: string; label: string; of: readonly string[]; params: Params }): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        value={props.params[props.name] ?? ""}
        onChange={(event) => set({ [props.name]: event.currentTarget.value })}
      >
        <option value="">any</option>
        {props.of.map((value) => (
          <option key={value} value={value}>
            {value.toLowerCase().replace("_", " ")}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The filters `startDate` and `endDate`, entered in the user's time zone. */
export function Dates({ params }: { params: Params }): JSX.Element {
  return (
    <>
      {(["startDate", "endDate"] as const).map((name) => (
        <label key={name}>
          {name === "startDate" ? "Created after" : "Created before"}
          <input
            type="datetime-local"
            value={entered(params[name])}
            onChange={(event) => {
              const { value } = event.currentTarget;
              set({ [name]: value ? new Date(value).toISOString() : "" });
            }}
          />
        </label>
      ))}
    </>
  );
}

function Clear({ names, params }: { names: readonly string[]; params: Params }): JSX.Element | null {
  if (!isFiltered(names, params)) return null;
  return (
    <button class="plain" onClick={() => set(Object.fromEntries(names.map((name) => [name, ""])))}>
      Clear filters
    </button>
  );
}

function entered(time: string | undefined): string {
  const date = new Date(time ?? "");
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
