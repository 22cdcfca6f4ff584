// Results as a picture: how many times ours each variant takes, as SVG.

import { parse, View } from "vega";
import { compile } from "vega-lite";
import { oursOf, ratio } from "./statistics.js";

/** Colours of Okabe and Ito, which those who see few colours can tell apart, and a grey. */
const COLOURS = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#000000",
  "#888888",
];

/** Returns the SVG of a result: lines over its cases, or bars where there are few. */
export async function plot(title, result) {
  const ours = oursOf(result);
  const values = result.cases.flatMap(({ case: name, samples }) =>
    Object.keys(samples).map((variant) => ({
      case: name,
      variant,
      times: ratio(samples, variant, ours).median,
    })),
  );
  const names = result.variants.map(({ name }) => name);
  const draw = result.cases.length > 2 ? lines : bars;
  const cases = result.cases.map((each) => each.case);
  const spec = {
    ...draw(values, names, cases, ours),
    title: { text: title, anchor: "start", offset: 12 },
    // A card of its own, so that it can be read on a dark page too.
    background: "#ffffff",
    padding: 16,
    config: {
      font: "system-ui, sans-serif",
      range: { category: COLOURS },
      view: { stroke: null },
    },
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}

/** Every factor of two has its line. */
const scale = { type: "log", base: 2 };

function lines(values, names, cases, ours) {
  return {
    width: 560,
    height: 300,
    data: { values },
    mark: { type: "line", point: { filled: true, size: 50 }, strokeWidth: 2 },
    encoding: {
      x: { field: "case", type: "ordinal", sort: cases, title: null, axis: { labelAngle: 0 } },
      y: { field: "times", type: "quantitative", scale, title: `times ${ours}` },
      color: { field: "variant", type: "nominal", sort: names, title: null },
    },
  };
}

function bars(values, names, cases, ours) {
  const y = { field: "variant", type: "nominal", sort: names, title: null };
  return {
    data: { values },
    facet: { row: { field: "case", type: "ordinal", sort: cases, title: null } },
    spec: {
      width: 420,
      encoding: {
        y: { ...y, axis: { labelLimit: 260 } },
        x: { field: "times", type: "quantitative", title: `times ${ours}` },
      },
      layer: [
        { mark: "bar", encoding: { color: { ...y, legend: null } } },
        {
          mark: { type: "text", align: "left", dx: 4 },
          encoding: { text: { field: "times", type: "quantitative", format: ".2f" } },
        },
      ],
    },
  };
}
