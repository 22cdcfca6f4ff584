// A chart: drawn for the eye, said in a sentence, and to be had as a table.

import { html } from "htm/preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { minute, moment } from "../../format.js";
import { useStore } from "../../store.js";
import { theme } from "../../theme.js";

const HEIGHT = 170;

/**
 * `chart` is one of `stats.js`; `bars` are stacked, lines are not. `format` writes a value, `summary` says the
 * whole, `total` what of a series is shown while no moment is pointed at. The axis ends at `top`, or reaches `least` at least.
 */
export function Chart({ title, chart, bars = false, format, summary, total, top, least = 1 }) {
  const id = useId();
  const frame = useRef();
  const [at, setAt] = useState(null);
  const colours = useStore(theme);
  useEffect(() => {
    const { plot, stop } = draw(frame.current, { chart, bars, format, top, least, onPoint: setAt });
    return () => {
      stop();
      plot.destroy();
    };
  }, [chart, colours]);
  const isEmpty = chart.series.every(({ values }) => values.every((value) => !value));
  return html`
    <figure class="card chart" aria-labelledby=${id}>
      <figcaption>
        <h2 id=${id}>${title}</h2>
        <ul class="legend">
          ${chart.series.map(
            ({ name, values }) => html`
              <li key=${name}>
                <i data-series=${name}></i>${name}
                <b>${at === null ? total(values) : write(values[at], format)}</b>
              </li>
            `,
          )}
          ${at !== null && chart.times[at] && html`<li>${minute(new Date(chart.times[at] * 1000))}</li>`}
        </ul>
      </figcaption>
      <div class="plot" role="img" aria-label=${`${title}. ${summary}`} ref=${frame}></div>
      ${isEmpty && html`<p class="nothing">${summary}</p>`}
      <${Numbers} title=${title} chart=${chart} format=${format} />
    </figure>
  `;
}

const write = (value, format) => (value === null || value === undefined ? "–" : format(value));

/** The same in numbers; times at which there was nothing are left out. */
function Numbers({ title, chart, format }) {
  const [isOpen, setOpen] = useState(false);
  const rows = chart.times
    .map((_, at) => at)
    .filter((at) => chart.series.some(({ values }) => values[at]));
  return html`
    <details onToggle=${(event) => setOpen(event.target.open)}>
      <summary>In numbers</summary>
      ${
        isOpen &&
        html`<div class="scroll" tabindex="0" role="region" aria-label=${`${title}, in numbers`}>
          <table class="numbers" aria-label=${title}>
            <thead>
              <tr><th scope="col">From</th>${chart.series.map(({ name }) => html`<th scope="col" key=${name}>${name}</th>`)}</tr>
            </thead>
            <tbody>
              ${rows.reverse().map(
                (at) => html`
                  <tr key=${at}>
                    <th scope="row"><${At} seconds=${chart.times[at]} /></th>
                    ${chart.series.map(({ name, values }) => html`<td key=${name}>${write(values[at], format)}</td>`)}
                  </tr>
                `,
              )}
            </tbody>
          </table>
          ${rows.length === 0 && html`<p>Nothing in this time.</p>`}
        </div>`
      }
    </details>
  `;
}

function At({ seconds }) {
  const date = new Date(seconds * 1000);
  const exact = date.toISOString();
  return html`<time datetime=${exact} title=${exact}>${moment(date)}</time>`;
}

function draw(frame, { chart, bars, format, top, least, onPoint }) {
  const figure = frame.closest("figure");
  // The colours are those of the style sheet, as they are in the present theme.
  const colour = (name) => getComputedStyle(figure.querySelector(`[data-series="${name}"]`)).color;
  const { color: soft, borderTopColor: line } = getComputedStyle(frame);
  const values = bars ? stacked(chart.series) : chart.series.map((series) => series.values);
  const names = chart.series.map(({ name }) => name);
  if (bars) {
    // What is drawn later covers what is below it.
    values.reverse();
    names.reverse();
  }
  const axis = {
    stroke: soft,
    font: `11px ${getComputedStyle(frame).fontFamily}`,
    ticks: { show: false },
  };
  const grid = { stroke: line, width: 1 };
  const options = {
    width: Math.max(frame.clientWidth, 100),
    height: HEIGHT,
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars, size: 7 } },
    scales: {
      x: { range: [chart.times[0] - chart.step / 2, chart.times.at(-1) + chart.step / 2] },
      y: { range: (_, __, max) => [0, top ?? Math.max(least, (max ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        gap: 6,
        space: 70,
        values: (_, ticks) => ticks.map(clockOf),
      },
      { ...axis, grid, size: 58, space: 40, values: (_, ticks) => ticks.map(axisOf(format, bars)) },
    ],
    series: [{}, ...names.map((name) => (bars ? barOf(colour(name)) : lineOf(colour(name))))],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
  const plot = new uPlot(options, [chart.times, ...values], frame);
  const observer = new ResizeObserver(() =>
    plot.setSize({ width: frame.clientWidth, height: HEIGHT }),
  );
  observer.observe(frame);
  return { plot, stop: () => observer.disconnect() };
}

const clockOf = (seconds) => minute(new Date(seconds * 1000));

/** Events come whole: between two of them there is nothing to write at the axis. */
const axisOf = (format, bars) => (tick) => (bars && !Number.isInteger(tick) ? "" : format(tick));

const barOf = (colour) => ({
  fill: colour,
  width: 0,
  points: { show: false },
  paths: uPlot.paths.bars({ size: [0.72, 28] }),
});

const lineOf = (colour) => ({
  stroke: colour,
  width: 1.5,
  points: { show: true, size: 4, fill: colour },
});

/** Returns each series on top of those before it. */
function stacked(series) {
  const heights = new Array(series[0]?.values.length ?? 0).fill(0);
  return series.map(({ values }) =>
    values.map((value, at) => {
      heights[at] += value;
      return heights[at];
    }),
  );
}
