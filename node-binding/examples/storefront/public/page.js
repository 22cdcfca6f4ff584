// Orders a look and shows its status live.

const byId = (id) => document.getElementById(id);
const [form, start, status, connection] = ["order", "start", "status", "connection"].map(byId);
const [picture, caption, progress, steps] = ["picture", "caption", "progress", "steps"].map(byId);
const product = { src: picture.src, alt: picture.alt, caption: caption.textContent };

/** The number of completed steps of each status, and its text. */
const STATUSES = {
  queued: [0, () => "Your look is in the queue."],
  processing: [1, () => "Your look is being made."],
  completed: [3, () => "Your look is ready."],
  failed: [
    2,
    ({ failure }) => `There is no look this time: ${failure?.message ?? "nobody knows why"}.`,
  ],
};
/** A task without a status yet, or with one that is not known here. */
const IN_PROGRESS = [0, () => "Your look is on its way."];
const LOOK = "look";
/** A faster reconnection is not shown. */
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

/** Posts to the shop. The answer has the id of the look and the URL of its stream. */
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
 * Follows a look. An EventSource reconnects by itself and sends the last id to the gateway. Only if the gateway refuses
 * it, a new ticket is needed.
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

/** Gets a new ticket for a look that was ordered before. */
async function renew(id) {
  try {
    follow(await post(`looks/${encodeURIComponent(id)}/ticket`));
  } catch (fault) {
    if (fault.isFinal) end(fault.message);
    else later(() => renew(id));
  }
}

/** Runs `work` after a backoff with jitter, so that pages do not all reconnect at once. */
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

/** Shows the status of a look. All data is shown as text, except for the picture. */
function show(task) {
  const isKnown = Object.hasOwn(STATUSES, task.status);
  const [gone, words] = isKnown ? STATUSES[task.status] : IN_PROGRESS;
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
  // On a phone it may be above the visible part of the page.
  picture.scrollIntoView({ block: "nearest" });
}

function say(words) {
  // Unchanged text is not set again, so that screen readers do not repeat it.
  if (status.textContent !== words) status.textContent = words;
}

/** Ends following and shows the last message. */
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

/** Uses aria-disabled, since a disabled button loses the focus. */
function setBusy(busy) {
  isBusy = busy;
  start.setAttribute("aria-disabled", `${busy}`);
}

// After a reload the page continues with its look.
const look = sessionStorage.getItem(LOOK);
if (look !== null) {
  setBusy(true);
  renew(look);
}
