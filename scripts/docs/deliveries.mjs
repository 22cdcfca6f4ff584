// The table of an endpoint's fields in docs/reference/deliveries.md, from the gateway's OpenAPI document.

import { notice, replaceBetween, table } from "./common.mjs";
import { document, form, resolve, SOURCE } from "./openapi.mjs";

/** Where a field is explained; most need no more than their description. */
const MORE = {
  order: "[Order of deliveries](../explain/ordering.md#order-of-deliveries)",
  max_in_flight: "[Limits](#limits-of-an-endpoint)",
  attempts_per_second: "[Limits](#limits-of-an-endpoint)",
  headers: "[Headers](#headers-of-an-endpoint)",
  auth: "[Headers](#headers-of-an-endpoint)",
  enabled: "[Disabled endpoints](#disabled-endpoints)",
  paused: "[Paused endpoints](#paused-endpoints)",
};

export function deliveries() {
  const { properties } = document.components.schemas.EndpointInput;
  const rows = Object.entries(properties).map(([name, field]) => {
    const { description } = resolve(field);
    const texts = [description.endsWith(".") ? description : `${description}.`, MORE[name]];
    return [`\`${name}\``, onThatPage(form(field)), texts.filter(Boolean).join(" ")];
  });
  return {
    "docs/reference/deliveries.md": (present) =>
      replaceBetween(
        present,
        `${notice(SOURCE, "table")}\n`,
        "\n\n",
        table(["field", "value", "meaning"], rows),
      ),
  };
}

/** Has the links within the API's page lead there from another one. */
const onThatPage = (text) => text.replaceAll("](#", "](api.md#");
