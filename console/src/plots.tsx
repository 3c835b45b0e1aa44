/** Plots, drawn as SVG by hand. Each has a label that describes its contents for screen readers. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "./marks.tsx";

export interface Series {
  name: string;
  values: readonly number[];
}

const HEIGHT = 180;
const LEFT = 52;
const BOTTOM = 22;
const TOP = 8;

/** Stacked bars over time. `times` are milliseconds at equal distances. */
export function Columns(props: { label: string; times: readonly number[]; series: readonly Series[] }): JSX.Element {
  const { box, width } = useWidth();
  const { times, series } = props;
  const sums = times.map((_, at) => series.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
  const top = nice(Math.max(1, ...sums));
  const slot = (width - LEFT) / times.length;
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  return (
    <div class="plot" ref={box}>
      <svg role="img" aria-label={props.label} viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT}>
        <Scale top={top} y={y} width={width} />
        {times.map((time, at) => {
          let below = 0;
          return (
            <g key={time}>
              <title>{`${clock(time)}: ${series.map((one) => `${count(one.values[at] ?? 0)} ${one.name}`).join(", ")}`}</title>
              <rect class="hit" x={LEFT + at * slot} y={TOP} width={slot} height={HEIGHT - TOP - BOTTOM} />
              {series.map((one) => {
                const value = one.values[at] ?? 0;
                below += value;
                const high = value ? Math.max(1, y(below - value) - y(below)) : 0;
                const bar = Math.max(1, slot - Math.min(2, slot / 4));
                return (
                  <rect key={one.name} class={one.name} x={LEFT + at * slot} y={y(below)} width={bar} height={high} />
                );
              })}
            </g>
          );
        })}
        <Clock from={times[0]!} to={times.at(-1)!} width={width - slot} seconds={false} />
      </svg>
      <Legend series={series} />
    </div>
  );
}

/** Lines over time. `times` are milliseconds; values between two of them are unknown or unchanged. */
export function Lines(props: {
  label: string;
  times: readonly number[];
  series: readonly Series[];
  dashed?: boolean;
}): JSX.Element {
  const { box, width } = useWidth();
  const { times, series } = props;
  const from = times[0]!;
  const to = Math.max(times.at(-1)!, from + 1);
  const top = nice(Math.max(1, ...series.flatMap((one) => one.values)));
  const x = (time: number) => LEFT + ((width - LEFT - 8) * (time - from)) / (to - from);
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  return (
    <div class="plot" ref={box}>
      <svg role="img" aria-label={props.label} viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT}>
        <Scale top={top} y={y} width={width} />
        {series.map((one) => (
          <polyline
            key={one.name}
            class={`${one.name}${props.dashed ? " dashed" : ""}`}
            points={times.map((time, at) => `${x(time).toFixed(1)},${y(one.values[at] ?? 0).toFixed(1)}`).join(" ")}
          />
        ))}
        <Clock from={from} to={to} width={width - 8} seconds />
      </svg>
      <Legend series={series} />
    </div>
  );
}

/** Horizontal bars, the longest first or in the given order. */
export function Bars(props: { label: string; of: readonly { name: string; count: number; hint?: string }[] }): JSX.Element {
  const most = Math.max(1, ...props.of.map((one) => one.count));
  return (
    <table class="bars" aria-label={props.label}>
      <tbody>
        {props.of.map((one) => (
          <tr key={one.name} title={one.hint}>
            <th scope="row">{one.name}</th>
            <td class="bar">
              <svg aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">
                <rect class="rail" width="100" height="10" />
                <rect class="part" width={(one.count / most) * 100} height="10" />
              </svg>
            </td>
            <td class="number">{count(one.count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Legend({ series }: { series: readonly Series[] }): JSX.Element {
  return (
    <p class="legend">
      {series.map((one) => (
        <span key={one.name} class={one.name}>
          {one.name}
        </span>
      ))}
    </p>
  );
}

function Scale({ top, y, width }: { top: number; y: (value: number) => number; width: number }): JSX.Element {
  const values = top === 1 ? [0, 1] : [0, top / 2, top];
  return (
    <g class="scale">
      {values.map((value) => (
        <g key={value}>
          <line x1={LEFT} x2={width} y1={y(value)} y2={y(value)} />
          <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">
            {short(value)}
          </text>
        </g>
      ))}
    </g>
  );
}

function Clock(props: { from: number; to: number; width: number; seconds: boolean }): JSX.Element {
  const middle = (props.from + props.to) / 2;
  const write = (time: number) => clock(time, props.seconds);
  return (
    <g class="scale">
      <text x={LEFT} y={HEIGHT - 5}>
        {write(props.from)}
      </text>
      {props.width > 420 && (
        <text x={(LEFT + props.width) / 2} y={HEIGHT - 5} text-anchor="middle">
          {write(middle)}
        </text>
      )}
      <text x={props.width} y={HEIGHT - 5} text-anchor="end">
        {write(props.to)}
      </text>
    </g>
  );
}

/** The width available to a plot, in pixels, so that its text has the same size as other text. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const look = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.floor(entry!.contentRect.width))));
    look.observe(box.current!);
    return () => look.disconnect();
  }, []);
  return { box, width };
}

/** The next round number: 1, 2, 4, 6, 8 or 10 times a power of ten. Its half is round as well. */
function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}

function short(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 10_000 ? `${value / 1000}k` : count(value);
}

function clock(time: number, seconds = false): string {
  const date = new Date(time);
  const parts = [date.getHours(), date.getMinutes(), ...(seconds ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
