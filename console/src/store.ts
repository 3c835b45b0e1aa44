import { useEffect, useState } from "preact/hooks";

/** Renders again when one of the set's listeners is called and `look` sees something else than before. */
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
