/** Filters of lists. They are in the URL of the page, so that a view can be bookmarked and shared. */
import type { JSX } from "preact";
import { useId } from "preact/hooks";
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

export function SenderFilters({ params }: { params: Params }): JSX.Element {
  return (
    <div class="filters">
      <Choice name="channel" label="Channel" of={CHANNELS} params={params} />
      <Choice name="status" label="Status" of={STATUSES} params={params} />
      <Dates params={params} />
      <Clear names={SENDER_FILTERS} params={params} />
    </div>
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

export function Clear({ names, params }: { names: readonly string[]; params: Params }): JSX.Element | null {
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
