/** What ids are called: the names of pools, senders and operations, asked for a page of a list at a time. */
import { useEffect } from "preact/hooks";
import { ask, Failure } from "./api.ts";
import { useSyncExternalStore } from "./store.ts";
import type { Channel, Names, OperationNames, SenderNames, SenderPoolNames } from "./wire.ts";

type Name = OperationNames | SenderNames | SenderPoolNames;

// The most ids of one request, and the most names that are kept.
const MOST = 1000;
const MOST_KEPT = 5000;
const known = new Map<string, Name>();
const listeners = new Set<() => void>();

/** Asks for the names of ids. Without a response the screens show the ids; the next request for the list tries again. */
export async function learn(ids: readonly string[], signal?: AbortSignal): Promise<void> {
  const wanted = [...new Set(ids)];
  try {
    for (let at = 0; at < wanted.length; at += MOST) {
      const body = { ids: wanted.slice(at, at + MOST) };
      keep(await ask<Names>({ method: "POST", path: "/signalbox/v1/Names", body }, signal));
    }
  } catch (error) {
    if (!(error instanceof Failure) && !signal?.aborted) throw error;
  }
}

/** Forgets all names: those of another account are nothing for this one. */
export function forget(): void {
  known.clear();
}

function keep(names: Names): void {
  for (const one of [...names.senderPools, ...names.senders, ...names.operations]) {
    known.delete(one.id);
    known.set(one.id, one);
  }
  for (const id of known.keys()) {
    if (known.size <= MOST_KEPT) break;
    known.delete(id);
  }
  for (const listener of listeners) listener();
}

/** The names of an id of that kind; undefined until they are known. */
function useName<T extends Name>(id: string): T | undefined {
  return useSyncExternalStore(listeners, () => known.get(id)) as T | undefined;
}

export const useOperationNames = (id: string) => useName<OperationNames>(id);
export const useSenderNames = (id: string) => useName<SenderNames>(id);
export const usePoolNames = (id: string) => useName<SenderPoolNames>(id);

/** Asks for the names of ids that no list asks for; again when they change. */
export function useLearn(ids: readonly string[]): void {
  const key = ids.join(" ");
  useEffect(() => {
    if (!key) return;
    const leaving = new AbortController();
    void learn(key.split(" "), leaving.signal);
    return () => leaving.abort();
  }, [key]);
}

/** `SMS 12, EMAIL 1`. */
export function channelsOf(names: SenderPoolNames): string {
  return names.channels.map((one: { channel: Channel; count: number }) => `${one.channel} ${one.count.toLocaleString("en")}`).join(", ");
}

/** The names of a sender's pools; with dots when there are others. */
export function poolsOf(names: SenderNames): string {
  return [...names.senderPools.map((pool) => pool.name), ...(names.moreSenderPools ? ["…"] : [])].join(", ");
}
