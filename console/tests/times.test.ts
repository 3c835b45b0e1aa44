/** Times and durations as people read them. */
import "./page.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, lasting, local, zone } from "../src/times.tsx";

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];

test("a duration has two units at most and no digits that say nothing", () => {
  const said: [number, string][] = [
    [-1, "0 ms"],
    [41, "41 ms"],
    [1000, "1 s"],
    [1240, "1.2 s"],
    [9960, "10 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [119_600, "2 min"],
    [125_000, "2 min 5 s"],
    [HOUR - 400, "1 h"],
    [HOUR + 5 * MINUTE, "1 h 5 min"],
    [DAY - 1, "1 d"],
    [3 * DAY + 4 * HOUR, "3 d 4 h"],
  ];
  for (const [milliseconds, text] of said) assert.equal(lasting(milliseconds), text);
});

test("how long ago something was is said in one unit", () => {
  const said: [number, string][] = [
    [0, "just now"],
    [12 * SECOND, "12 s ago"],
    [3.9 * MINUTE, "3 min ago"],
    [5 * HOUR, "5 h ago"],
    [30 * DAY, "30 d ago"],
    [-2 * MINUTE, "in 2 min"],
  ];
  for (const [before, text] of said) assert.equal(ago(-before, 0), text);
});

test("a time has its zone, as it was at that time", () => {
  const before = process.env["TZ"];
  try {
    process.env["TZ"] = "Europe/Berlin";
    assert.equal(local("2026-11-23T17:59:30.123Z"), "2026-11-23 18:59:30 UTC+1");
    assert.equal(local("2026-06-23T17:59:30Z"), "2026-06-23 19:59:30 UTC+2");
    process.env["TZ"] = "America/St_Johns";
    assert.equal(zone(new Date("2026-11-23T00:00:00Z")), "UTC-3:30");
    process.env["TZ"] = "UTC";
    assert.equal(local(0), "1970-01-01 00:00:00 UTC");
  } finally {
    process.env["TZ"] = before;
  }
});
