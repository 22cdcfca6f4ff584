// Orders a look, and shows live what becomes of it.

const byId = (id) => document.getElementById(id);
const [form, start, status, connection] = ["order", "start", "status", "connection"].map(byId);
const [picture, caption, progress, steps] = ["picture", "caption", "progress", "steps"].map(byId);
const product = { src: picture.src, alt: picture.alt, caption: caption.textContent };

/** How many steps each status has behind it, and what is said of it. */
const STATUSES = {
  queued: [0, () => "Your look is in the queue."],
  processing: [1, () => "Your look is being made."],
  completed: [3, () => "Your look is ready."],
  failed: [
    2,
    ({ failure }) => `There is no look this time: ${failure?.message ?? "nobody knows why"}.`,
  ],
};
/** A task that nothing was told of yet, or that has a status which is not known here. */
const UNDER_WAY = [0, () => "Your look is on its way."];
const LOOK = "look";
/** A reconnection that is faster than this is not worth a word. */
const PATIENCE_MS = 3000;

let source;
let failures = 0;
let losing;
let isBusy = false;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isBusy) return;
  reset();
  say("Your look is being ordered.");
  try {
    follow(await post("looks", { photo: new FormData(form).get("photo") }));
  } catch (fault) {
    end(fault.message);
  }
});

/** Posts to the shop; what it answers names the look, and where it is followed. */
async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => undefined);
  if (answer?.ok) return answer.json();
  const { message } = (await answer?.json().catch(() => undefined)) ?? {};
  const fault = new Error(message ?? "The shop can't be reached.");
  fault.isFinal = answer?.status === 404;
  throw fault;
}

/**
 * Follows a look. An EventSource connects again by itself, and tells the gateway what it has seen last; it has to
 * be helped only where the gateway refuses what it has.
 */
function follow({ id, live }) {
  sessionStorage.setItem(LOOK, id);
  source?.close();
  source = new EventSource(live);
  source.addEventListener("open", connected);
  source.addEventListener("message", ({ data }) => {
    connected();
    failures = 0;
    show(JSON.parse(data).task);
  });
  source.addEventListener("error", ({ target }) => {
    losing ??= setTimeout(() => {
      connection.textContent = "The connection was lost. Trying again …";
    }, PATIENCE_MS);
    if (target === source && target.readyState === EventSource.CLOSED) later(() => renew(id));
  });
}

/** Gets another ticket for a look that was ordered before. */
async function renew(id) {
  try {
    follow(await post(`looks/${encodeURIComponent(id)}/ticket`));
  } catch (fault) {
    if (fault.isFinal) end(fault.message);
    else later(() => renew(id));
  }
}

/** Backoff with jitter: pages that were cut off together do not come back together. */
function later(work) {
  const wait = Math.min(30_000, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);
  failures += 1;
  setTimeout(work, wait);
}

function connected() {
  clearTimeout(losing);
  losing = undefined;
  connection.textContent = "";
}

/** Shows how a look stands. Whatever is told of it is text, but for the picture. */
function show(task) {
  const isKnown = Object.hasOwn(STATUSES, task.status);
  const [gone, words] = isKnown ? STATUSES[task.status] : UNDER_WAY;
  progress.hidden = false;
  for (const [at, step] of [...steps.children].entries()) {
    step.className = at < gone ? "gone" : "";
    if (at === gone) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
  steps.lastElementChild.textContent = task.status === "failed" ? "Not made" : "Done";
  document.body.dataset.look = task.status ?? "queued";
  if (task.status === "failed") end(words(task));
  else if (task.status !== "completed") say(words(task));
  else if (!isPicture(task.result_url)) end("Your look is ready, but there is no picture of it.");
  else {
    end(words(task));
    reveal(task.result_url);
  }
}

function isPicture(url) {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === "https:" || parsed?.origin === location.origin;
}

function reveal(url) {
  picture.src = url;
  picture.alt = "You, wearing the sage green linen overshirt";
  caption.textContent = "The overshirt, on you";
  // On a phone it stands above what the shopper looks at.
  picture.scrollIntoView({ block: "nearest" });
}

function say(words) {
  // The same words again are not news.
  if (status.textContent !== words) status.textContent = words;
}

/** Nothing more is to come. */
function end(words) {
  source?.close();
  connected();
  say(words);
  setBusy(false);
}

function reset() {
  source?.close();
  sessionStorage.removeItem(LOOK);
  failures = 0;
  progress.hidden = true;
  delete document.body.dataset.look;
  Object.assign(picture, { src: product.src, alt: product.alt });
  caption.textContent = product.caption;
  setBusy(true);
}

/** The button stays where the focus is: one that is disabled would lose it. */
function setBusy(busy) {
  isBusy = busy;
  start.setAttribute("aria-disabled", `${busy}`);
}

// After a reload the page goes on with the look that it had.
const look = sessionStorage.getItem(LOOK);
if (look !== null) {
  setBusy(true);
  renew(look);
}
