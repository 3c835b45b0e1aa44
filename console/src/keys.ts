/** Keys of the keyboard, for whoever is on the screen; the last one to ask is asked first. */
import { useEffect, useRef } from "preact/hooks";

export type Keys = Readonly<Record<string, () => void>>;

const stack: { current: Keys }[] = [];

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // A dialog is a world of its own, which the browser closes on Esc.
  if (document.querySelector("dialog[open]")) return;
  const at = event.target instanceof Element ? event.target : null;
  if (event.key !== "Escape" && at?.closest("input, textarea, select")) return;
  // Arrows and Enter belong to what has the focus, unless that is a row or nothing.
  if (/^(Arrow|Enter|Home|End)/.test(event.key) && at?.closest("button, summary, a:not([data-row])")) return;
  for (const keys of [...stack].reverse()) {
    const act = keys.current[event.key];
    if (act) {
      event.preventDefault();
      act();
      return;
    }
  }
});

/** Acts on keys while the component is shown; never while somebody types, and never with a modifier. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    stack.push(latest);
    return () => {
      stack.splice(stack.indexOf(latest), 1);
    };
  }, []);
}
