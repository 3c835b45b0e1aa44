import { useEffect, useState } from "preact/hooks";

/** Renders again when a listener of the set is called and `look` returns another value than before. */
export function useSyncExternalStore<T>(listeners: Set<() => void>, look: () => T): T {
  const [seen, see] = useState(look);
  useEffect(() => {
    const listener = () => see(look());
    listeners.add(listener);
    listener();
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return seen;
}
