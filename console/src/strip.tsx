import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { tryNow, useConnection } from "./connection.ts";
import { clockTime, lasting } from "./times.tsx";

/** A strip over every screen while the server is away or the data on the screen is old, with the age of that data. */
export function Strip(): JSX.Element {
  const { away, next, at } = useConnection();
  const shown = away || at !== null;
  return (
    <div class={shown ? "strip" : "unseen"}>
      <b role="status">{away ? "The server cannot be reached." : at !== null ? "What is shown is old." : ""}</b>
      {shown && at !== null && (
        <span data-age>
          Shown is the state of {clockTime(at)}, <Since at={at} /> ago.
        </span>
      )}
      {shown && away && (
        <span class="quiet" aria-hidden="true">
          Next attempt in <Until at={next} />.
        </span>
      )}
      {shown && <button onClick={() => void tryNow()}>Try now</button>}
    </div>
  );
}

function Since({ at }: { at: number }): JSX.Element {
  return <>{lasting(Math.max(1000, Math.floor((useNow() - at) / 1000) * 1000))}</>;
}

function Until({ at }: { at: number }): JSX.Element {
  return <>{Math.max(0, Math.ceil((at - useNow()) / 1000))} s</>;
}

function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
