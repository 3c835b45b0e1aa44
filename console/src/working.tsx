/** Says that no worker is running, where operations wait for one. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, Failure } from "./api.ts";
import { docs } from "./marks.tsx";
import type { Operation } from "./wire.ts";

// Milliseconds without a change of the operations before the server is asked, and between two questions.
const FIRST = 2000;
const EVERY = 10_000;

/** Shown while some of these operations wait, do not change, and no worker is running in any process. */
export function NoWorker({ of }: { of: readonly Operation[] }): JSX.Element | null {
  const waiting = of.filter((one) => one.status === "PROCESSING").map((one) => `${one.id} ${one.updatedAt}`).join();
  const [none, setNone] = useState("");
  useEffect(() => {
    if (!waiting) return;
    const leaving = new AbortController();
    let timer = 0;
    const later = (milliseconds: number) => {
      timer = window.setTimeout(() => (document.hidden ? later(milliseconds) : void once()), milliseconds);
    };
    const once = async () => {
      try {
        const { running } = await ask<{ running: boolean }>({ path: "/signalbox/v1/Workers" }, leaving.signal);
        setNone(running ? "" : waiting);
      } catch (error) {
        if (!(error instanceof Failure)) return;
      }
      later(EVERY);
    };
    later(FIRST);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [waiting]);
  const shown = waiting !== "" && none === waiting;
  return (
    <div class={shown ? "notice" : "unseen"} role="status">
      {shown && (
        <>
          <b>No worker is running.</b> What is queued waits until one starts: <code>signalbox worker</code>, or{" "}
          <code>signalbox serve</code> with workers. <a href={docs("operations#workers")}>Workers</a>
        </>
      )}
    </div>
  );
}
