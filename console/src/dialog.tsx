import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Failure } from "./api.ts";
import { Trouble } from "./marks.tsx";

/** A dialog over the page. The browser keeps the focus inside and restores it afterwards; Esc closes the dialog. */
export function Dialog(props: {
  title: string;
  close: () => void;
  wide?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current!.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={props.wide ? "wide" : ""}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        props.close();
      }}
    >
      <header>
        <h2 id={name}>{props.title}</h2>
        <button class="plain" onClick={props.close} aria-label="Close">
          ✕
        </button>
      </header>
      {props.children}
    </dialog>
  );
}

/** Asks for confirmation before something that cannot be undone; with `typed`, the user must type that text. */
export function Confirm(props: {
  title: string;
  act: string;
  close: () => void;
  run: () => Promise<void>;
  typed?: string;
  danger?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const [text, setText] = useState("");
  const { busy, failure, run } = useRun(props.run);
  const ready = props.typed === undefined || text === props.typed;
  return (
    <Dialog title={props.title} close={props.close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !busy) void run();
        }}
      >
        {props.children}
        {props.typed !== undefined && (
          <label>
            Type <b class="typed">{props.typed}</b> to go on
            <input value={text} onInput={(event) => setText(event.currentTarget.value)} autocomplete="off" autofocus />
          </label>
        )}
        {failure && <Trouble failure={failure} />}
        <div class="buttons">
          <button type="button" onClick={props.close} autofocus={props.typed === undefined}>
            Go back
          </button>
          <button type="submit" class={props.danger ? "danger" : "main"} disabled={!ready || busy}>
            {props.act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Runs a function, never twice at the same time, and keeps its failure. */
export function useRun<A extends unknown[]>(
  work: (...given: A) => Promise<void>,
): { busy: boolean; failure: Failure | undefined; run: (...given: A) => Promise<void>; forget: () => void } {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const run = async (...given: A) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work(...given);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, run, forget: () => setFailure(undefined) };
}
