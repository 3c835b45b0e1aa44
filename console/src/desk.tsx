/** The field for a CSV of senders, pasted, picked or dropped, with the problems of each line beside it. */
import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { check, good, textOf, type Complaint } from "./csv.ts";
import { enter, idsOf, newest, nothing, type Result } from "./inventory.ts";
import { count, plural } from "./marks.tsx";

// The same heights as in style.css.
const LINE = 20;
const SHOWN = 14;
const MOST_LISTED = 100;

/** The state of the text that is edited. `ids`: a list of sender ids is accepted as well. */
export function useDesk(ids: boolean) {
  const [text, setText] = useState("");
  const [refused, setRefused] = useState<readonly Complaint[]>([]);
  const desk = useMemo(() => check(text, ids), [text, ids]);
  const change = (next: string) => {
    setText(next);
    setRefused([]);
  };
  return { text, change, desk, refused, setRefused, good: good(desk).length };
}

/**
 * The ids of the senders in a text. Rows of inventory are entered first. When the server refuses some, `ids` returns
 * null and the
 * reasons are shown beside their lines; the next call continues without them.
 */
export function useSenderIds(value: ReturnType<typeof useDesk>) {
  const [step, setStep] = useState("");
  const entered = useRef<{ text: string; result: Result; after: string | undefined } | undefined>(undefined);
  const { desk, text, refused } = value;
  const told = (what: string) => (done: number, total: number) => setStep(`${what} ${count(done)} of ${count(total)}`);
  const ids = async (): Promise<string[] | null> => {
    if (desk.kind === "ids") return good(desk).map((row) => row.cells[0]!.trim());
    if (!value.good) return [];
    if (entered.current?.text !== text) {
      const after = await newest();
      const result = nothing();
      try {
        await enter(desk, told("Entered"), result);
      } finally {
        value.setRefused(result.refused);
      }
      entered.current = { text, after, result };
      setStep("");
      if (result.refused.length) return null;
    }
    const found = await idsOf(desk, entered.current.result.rows, entered.current.after, told("Found"));
    setStep("");
    return found;
  };
  const left = new Set([...desk.complaints, ...refused].map((one) => one.line)).size;
  const number = refused.length ? (entered.current?.result.rows.length ?? 0) : value.good;
  return { ids, step, setStep, number, left: number ? left : 0 };
}

/** What happens to the lines with problems. */
export function LeftOut({ left, refused }: { left: number; refused: readonly Complaint[] }): JSX.Element {
  return (
    <div role="status">
      {refused.length > 0 && <p>The server refused some lines; the others have entered the inventory.</p>}
      {left > 0 && <p class="quiet">{plural(left, "line")} with problems will be left out.</p>}
    </div>
  );
}

export function DeskField(props: {
  label: string;
  example: string;
  value: ReturnType<typeof useDesk>;
  disabled?: boolean;
}): JSX.Element {
  const { text, change, desk, refused } = props.value;
  const [top, setTop] = useState(0);
  const [over, setOver] = useState(false);
  const [unread, setUnread] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const complaints = [...desk.complaints, ...refused];
  const byLine = useMemo(() => Map.groupBy(complaints, (one) => one.line), [desk, refused]);
  const lines = useMemo(() => text.split(/\r\n|[\r\n]/).length, [text]);
  const take = async (files: FileList | null | undefined) => {
    if (!files?.[0]) return;
    try {
      change(await textOf(files[0]));
      setUnread("");
    } catch (error) {
      setUnread((error as Error).message);
    }
  };
  const first = Math.floor(top / LINE);
  const shown = Array.from({ length: Math.min(SHOWN + 2, lines - first) }, (_, index) => first + index + 1);
  const place = (line: number) => ({ top: `${(line - 1) * LINE - top + 4}px` });
  return (
    <div
      class={`desk${over ? " over" : ""}`}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files);
      }}
    >
      <div class="desk-head">
        <label for="desk">{props.label}</label>
        <label class="pick">
          <input
            type="file"
            accept=".csv,.txt,text/csv,text/plain"
            disabled={props.disabled}
            onChange={(event) => void take(event.currentTarget.files)}
          />
          <span>Choose a file</span>
        </label>
        <span class="quiet">or drop one here</span>
      </div>
      <div class="desk-body">
        <div class="gutter" aria-hidden="true">
          {shown.map((line) => (
            <span key={line} style={place(line)} class={byLine.has(line) ? "bad" : ""}>
              {line}
            </span>
          ))}
        </div>
        <textarea
          id="desk"
          ref={area}
          wrap="off"
          spellcheck={false}
          rows={SHOWN}
          value={text}
          placeholder={props.example}
          disabled={props.disabled}
          aria-invalid={complaints.length > 0}
          aria-describedby="desk-sum desk-list"
          onInput={(event) => change(event.currentTarget.value)}
          onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        />
        <div class="beside" aria-hidden="true">
          {shown.map((line) => (
            <span key={line} style={place(line)} title={said(byLine.get(line))}>
              {said(byLine.get(line))}
            </span>
          ))}
        </div>
      </div>
      {unread && (
        <p role="alert" class="wrong">
          {unread}
        </p>
      )}
      <p id="desk-sum" role="status" class="quiet">
        {text && `${plural(desk.rows.length, desk.kind === "ids" ? "id" : "row")}, ${plural(byLine.size, "line")} with problems`}
      </p>
      <ul id="desk-list" class="desk-list">
        {[...byLine].slice(0, MOST_LISTED).map(([line, found]) => (
          <li key={line}>
            Line {line}: {said(found)}
          </li>
        ))}
        {byLine.size > MOST_LISTED && <li>and {plural(byLine.size - MOST_LISTED, "line")} more</li>}
      </ul>
    </div>
  );
}

function said(complaints: readonly Complaint[] | undefined): string {
  return complaints?.map((one) => one.message).join("; ") ?? "";
}
