import { useEffect, useRef, useState } from "preact/hooks";

/** The value of `look`; renders again when a listener of the set is called and the value is another one. */
export function useSyncExternalStore<T>(listeners: Set<() => void>, look: () => T): T {
  const [, render] = useState(0);
  const value = look();
  const latest = useRef({ look, value });
  latest.current = { look, value };
  useEffect(() => {
    const listener = () => {
      if (latest.current.look() !== latest.current.value) render((before) => before + 1);
    };
    listeners.add(listener);
    listener();
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return value;
}
