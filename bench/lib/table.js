// Results as tables, for the terminal and for PERFORMANCE.md alike.

import { markdownTable } from "markdown-table";
import { judged } from "./floors.js";
import { least, median, oursOf, ratio } from "./statistics.js";

/** What the numbers of a result table are. */
export const unitOf = ({ unit }) => `${unit}: least / median of the rounds (times ours)`;

/** One row per variant; in each case the least and the median, and how many times ours that is. */
export function resultTable(result) {
  const ours = oursOf(result);
  const head = ["", ...result.cases.map((each) => each.case)];
  const rows = result.variants.map(({ name, role, version }) => [
    `${role === "ours" ? `**${name}**` : name}${version ? ` ${version}` : ""}`,
    ...result.cases.map(({ samples }) => cell(samples, name, ours)),
  ]);
  return markdownTable([head, ...rows], { align: ["l", ...result.cases.map(() => "r")] });
}

function cell(samples, name, ours) {
  if (samples[name] === undefined) return "";
  const times = name === ours ? "" : ` (${figure(ratio(samples, name, ours).median)}×)`;
  return `${figure(least(samples[name]))} / ${figure(median(samples[name]))}${times}`;
}

/** One row per floor. */
export function floorTable(result) {
  const rows = judged(result).map((floor) => [
    floor.case,
    floor.label,
    figure(floor.median),
    `${figure(floor.least)} to ${figure(floor.most)}`,
    `${floor.sign} ${floor.target}${floor.stretch ? ` (${floor.stretch})` : ""}`,
    verdict(floor),
  ]);
  const head = ["case", "ratio", "median", "rounds", "target (stretch)", ""];
  return markdownTable([head, ...rows], { align: ["l", "l", "r", "r", "r", "l"] });
}

function verdict({ isReached, isKept, floor, sign }) {
  if (isReached) return "reached";
  return floor !== undefined && isKept ? `not reached; ${sign} ${floor} holds` : "not reached";
}

/** A number with three digits that mean something. */
export function figure(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 10 ? 1 : 2);
}
