// Our adapter for node:http, with a handler that does nothing.

import { vtryonWebhooks } from "vtryon-webhooks/node";
import { SECRET, serve } from "./serve.js";

serve(vtryonWebhooks({ secrets: SECRET, onEvent() {} }));
