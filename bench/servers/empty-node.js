// What node:http costs by itself: the body is read, and nothing is done with it.

import { answerAll, serve } from "./serve.js";

serve(answerAll);
