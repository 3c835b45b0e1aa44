/** The current state of operations. */
import { useEffect, useState } from "preact/hooks";
import type { Call, Failure } from "./api.ts";
import { follow, type StreamState } from "./stream.ts";
import type { Operation, Stats } from "./wire.ts";

/** The counters of an operation at a time of the server's clock. */
export interface Sample extends Stats {
  at: number;
}

// The counters that this tab saw: the server keeps no history of them.
const seen = new Map<string, Sample[]>();
const latest = new Map<string, Operation>();
const MOST_SEEN = 200;
const MOST_SAMPLES = 2000;

export function operationCall(id: string): Call {
  return { path: `/v1/SenderPools/Operations/${id}` };
}

/** The counters of an operation that this tab saw, oldest first. */
export function samplesOf(id: string): readonly Sample[] {
  return seen.get(id) ?? [];
}

function note(operation: Operation): void {
  const known = latest.get(operation.id);
  if (!known || known.updatedAt < operation.updatedAt) latest.set(operation.id, operation);
  const samples = seen.get(operation.id) ?? [];
  const at = Date.parse(operation.updatedAt);
  if (at <= (samples.at(-1)?.at ?? 0)) return;
  samples.push({ at, ...operation.stats });
  // Drops every second sample of the older half: the curve stays, and the memory is bounded.
  if (samples.length > MOST_SAMPLES) {
    samples.splice(0, MOST_SAMPLES / 2, ...samples.slice(0, MOST_SAMPLES / 2).filter((_, index) => index % 2));
  }
  seen.set(operation.id, samples);
  if (seen.size > MOST_SEEN) {
    const oldest = seen.keys().next().value!;
    seen.delete(oldest);
    latest.delete(oldest);
  }
}

interface Live {
  stream: StreamState;
  failure: Failure | undefined;
}

// One stream for each operation, shared by all components that show it.
const lives = new Map<string, { live: Live; readers: Set<() => void>; leaving: AbortController }>();

/** An operation that its event stream keeps current until it is final. */
export function useLive(given: Operation): Live & { operation: Operation } {
  const [, render] = useState(0);
  const last = latest.get(given.id);
  const operation = last && last.updatedAt > given.updatedAt ? last : given;
  note(operation);
  const running = operation.status === "PROCESSING";
  useEffect(() => (running ? join(given, () => render((before) => before + 1)) : undefined), [given.id, running]);
  const { stream, failure } = lives.get(given.id)?.live ?? { stream: "waiting" as const, failure: undefined };
  return { operation, stream, failure };
}

function join(given: Operation, reader: () => void): () => void {
  const shared = lives.get(given.id) ?? open(given);
  shared.readers.add(reader);
  reader();
  return () => {
    shared.readers.delete(reader);
    if (shared.readers.size) return;
    shared.leaving.abort();
    lives.delete(given.id);
  };
}

function open(given: Operation) {
  const live: Live = { stream: "waiting", failure: undefined };
  const shared = { live, readers: new Set<() => void>(), leaving: new AbortController() };
  const change = (news: Partial<Live>) => {
    shared.live = { ...shared.live, ...news };
    for (const reader of [...shared.readers]) reader();
  };
  const listener = {
    event: (name: string, data: string) => {
      if (name !== "operation") return;
      const operation = JSON.parse(data) as Operation;
      note(operation);
      change({ failure: undefined });
    },
    state: (stream: StreamState) => change({ stream }),
    failure: (failure: Failure) => change({ failure }),
  };
  lives.set(given.id, shared);
  const final = () => (latest.get(given.id) ?? given).status !== "PROCESSING";
  void follow(operationCall(given.id), listener, final, shared.leaving.signal);
  return shared;
}
