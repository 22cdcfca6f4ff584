// A server without a framework that receives events: ours beside the guide's Express app.

import { receiving } from "../servers/receiving.js";

export default receiving({
  name: "node-http",
  title: "node:http: a request",
  ours: "ours-node",
  empty: "empty-node",
  emptyName: "empty server",
  bounds: { target: 5, floor: 1.85 },
});
