// What Express costs by itself: the body is read, and nothing is done with it.

import express from "express";
import { answerAll, PATH, serve } from "./serve.js";

serve(express().post(PATH, answerAll));
