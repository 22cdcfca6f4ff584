// Our adapter in an Express app, with a handler that does nothing.

import express from "express";
import { vtryonWebhooks } from "vtryon-webhooks/express";
import { PATH, SECRET, serve } from "./serve.js";

serve(express().post(PATH, vtryonWebhooks({ secrets: SECRET, onEvent() {} })));
