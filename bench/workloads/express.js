// An Express app that receives events: ours beside the guide's.

import { receiving } from "../servers/receiving.js";

export default receiving({
  name: "express",
  title: "Express: a request",
  ours: "ours-express",
  empty: "empty-express",
  emptyName: "empty Express app",
  bounds: { target: 1.5, floor: 1.35 },
});
