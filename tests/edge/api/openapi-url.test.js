// The document's schema of an endpoint's URL says of every vector what the gateway says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "../../pages.js";
import { againstSchema } from "../support/api/api-document.js";

/** The vectors of URLs as a deployment judges them that takes any public host. */
const VECTORS = JSON.parse(read("tests/vectors/endpoint.json")).filter(
  ({ url, insecure, hosts }) => url !== undefined && !insecure && hosts.length === 0,
);

for (const { name, url, says } of VECTORS) {
  // A pattern can't ignore case without naming each letter twice: the document asks for lower case.
  const isStricter = url !== url.replace(/^[^/]*:\/\/[^/?]*/, (origin) => origin.toLowerCase());
  test(`${says === undefined ? "taken" : "refused"}: ${name}`, () => {
    const fault = againstSchema("EndpointUrl", url);
    if (says !== undefined) assert.ok(fault, `the document allows ${url}, which ${says}`);
    else if (!isStricter) assert.equal(fault, undefined, url);
  });
}
