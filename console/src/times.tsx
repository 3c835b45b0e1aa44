/** Times and durations, the same way on every screen. */
import type { JSX } from "preact";
import { useSyncExternalStore } from "./store.ts";

const listeners = new Set<() => void>();
// Every few seconds, for "12 s ago".
const TICK = 5000;
let ticks = 0;

function tick(): void {
  if (document.hidden || !listeners.size) return;
  ticks += 1;
  for (const listener of listeners) listener();
}

setInterval(tick, TICK);
document.addEventListener("visibilitychange", tick);

const two = (value: number) => String(value).padStart(2, "0");

/** A time in the user's time zone with the zone, as `2026-11-23 17:59:30 UTC+1`. */
export function local(time: string | number): string {
  const date = new Date(time);
  return `${day(date)} ${clockTime(date)}`;
}

/** The time of day with the zone, as `17:59:30 UTC+1`. */
export function clockTime(time: Date | number): string {
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone(date)}`;
}

function day(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `UTC`, `UTC+1`, `UTC-3:30`: what the zone of the user was at that time. */
export function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  if (!minutes) return "UTC";
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? "-" : "+"}${Math.floor(Math.abs(minutes) / 60)}${rest ? `:${two(rest)}` : ""}`;
}

/** A short text for a duration in milliseconds: two units at most, and no digits that say nothing. */
export function lasting(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1).replace(".0", "")} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return units(seconds, 60, "min", "s");
  if (seconds < 86_400) return units(Math.round(seconds / 60), 60, "h", "min");
  return units(Math.round(seconds / 3600), 24, "d", "h");
}

/** A duration as the server measures it, in milliseconds. */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms` : lasting(milliseconds);
}

function units(value: number, size: number, large: string, small: string): string {
  const rest = value % size;
  return `${Math.floor(value / size)} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

/** How long ago a time was, in one unit, as `3 min ago`. */
export function ago(time: number, now: number): string {
  const seconds = Math.round((now - time) / 1000);
  if (Math.abs(seconds) < 5) return "just now";
  const size = Math.abs(seconds);
  const text =
    size < 60
      ? `${size} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : size < 86_400
          ? `${Math.floor(size / 3600)} h`
          : `${Math.floor(size / 86_400)} d`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** A time in the one form of the console: date, time and zone, and how long ago that was. */
export function Time({ at }: { at: string }): JSX.Element {
  useSyncExternalStore(listeners, () => ticks);
  const date = new Date(at);
  return (
    <time dateTime={at} title={`${at} (${local(at)})`}>
      <span class="stamp">
        <span class="date">{day(date)} </span>
        {clockTime(date)}
      </span>{" "}
      <span class="ago">{ago(date.getTime(), Date.now())}</span>
    </time>
  );
}
