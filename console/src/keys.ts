/** Keyboard shortcuts of the components on the screen; the newest component has precedence. */
import { useEffect, useRef } from "preact/hooks";

export type Keys = Readonly<Record<string, () => void>>;

const stack: { current: Keys }[] = [];

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // An open dialog has no shortcuts; the browser closes it on Esc.
  if (document.querySelector("dialog[open]")) return;
  const at = event.target instanceof Element ? event.target : null;
  if (event.key !== "Escape" && at?.closest("input, textarea, select")) return;
  // Arrows and Enter belong to the focused element, unless it is a row.
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

/** Handles keys while the component is shown; not while the user types in a field, and not with a modifier. */
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
