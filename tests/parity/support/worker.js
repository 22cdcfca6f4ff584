// The package inside a Worker: questions in, answers out.

import * as api from "vtryon-webhooks";
import { judge } from "./judge.js";

export default {
  async fetch(request) {
    return Response.json((await request.json()).map((question) => judge(api, question)));
  },
};
