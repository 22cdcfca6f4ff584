// The Express app of Vtryon's guide: express.json parses, and keeps a string that is hashed and compared as hex.
// It logs nothing, and its handler does nothing.

import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";
import { PATH, SECRET, serve } from "./serve.js";

const app = express();
const keepText = (request, _, bytes) => {
  request.rawBody = bytes.toString();
};
app.use(express.json({ verify: keepText }));

app.post(PATH, (request, response) => {
  const signature = request.headers["x-vtryon-signature"];
  if (!signature) return response.status(401).send("no signature");
  const digits = createHmac("sha256", SECRET).update(request.rawBody).digest("hex");
  if (!timingSafeEqual(Buffer.from(signature, "utf8"), Buffer.from(digits, "utf8"))) {
    return response.status(401).send("wrong signature");
  }
  response.status(200).json({ received: true });
});

serve(app);
