// Whether the API lets us in. Nothing is kept here: the session is a cookie that no script can read.

import { Store } from "../store.js";
import { ApiError, get, head, onLapse, resume, send } from "./requests.js";

/**
 * `phase` is `asking` at first, then `in`, `out` (nothing is shown), `lapsed` (it was `in`: the page stays, a
 * dialog asks for the token) or `failed` with the `error`. `generation` grows with each sign-in, `shards` is how
 * many there are to listen to: none where the token's scope does not allow it. `access` is set where Cloudflare Access has to let us in again.
 */
export const session = new Store({ phase: "asking", generation: 0, shards: 0 });

onLapse((error) => {
  if (session.value.phase === "in") {
    session.update({ phase: "lapsed", access: error.code === "access" });
  }
});

/** Asks the API whether it lets us in, and how many shards there are. */
export async function askApi() {
  try {
    await enter();
  } catch (error) {
    const isOut = ["unauthorized", "access", "tickets_only"].includes(error.code);
    session.update({ phase: isOut ? "out" : "failed", error, access: error.code === "access" });
  }
}

/** Goes in; throws where the API does not let us. */
async function enter() {
  const shards = await shardsToListenTo();
  resume();
  session.update({
    phase: "in",
    generation: session.value.generation + 1,
    shards,
    error: undefined,
  });
}

/** Returns how many shards there are to listen to; throws where nobody is signed in. */
async function shardsToListenTo() {
  try {
    return (await get("/api/live", { quiet: true })).shards;
  } catch (error) {
    if (error.code !== "forbidden") throw error;
    await mayRead();
    return 0;
  }
}

/** Throws where the token can't even read: nothing of the dashboard is for it. */
async function mayRead() {
  try {
    await head("/api/openapi.json", { quiet: true });
  } catch (error) {
    // An answer to HEAD has no body to say so.
    if (error.status === 403) throw new ApiError("tickets_only", "this token only makes tickets");
    throw error;
  }
}

/** How long the answer is waited for, in milliseconds: a network that went away without a sign answers nothing. */
const CHECK_LIMIT = 10_000;

/** Asks whether the session still holds, and returns that; a gateway that can't be reached tells nothing. */
export async function checkSession() {
  return get("/api/live", { signal: AbortSignal.timeout(CHECK_LIMIT) }).then(
    () => true,
    () => false,
  );
}

/** Opens a session; throws what the API says against it, and then the page stays as it is. */
export async function signIn(token) {
  await send("POST", "/api/session", { body: { token }, quiet: true });
  try {
    await enter();
  } catch (error) {
    if (error.code === "tickets_only") await send("DELETE", "/api/session", { quiet: true });
    throw error;
  }
}

/** Ends the browser's session, and tells whether we are out: Access may let us in all the same. */
export async function signOut() {
  await send("DELETE", "/api/session");
  await askApi();
  return session.value.phase !== "in";
}
