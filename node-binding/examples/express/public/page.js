// Shows the tasks that the server sends: all that it has when the page connects, then each that changes.

const connection = document.querySelector("#connection");
const body = document.querySelector("#tasks");
const rows = new Map();
let failures = 0;

function connect() {
  const socket = new WebSocket(new URL("live", location.href.replace(/^http/, "ws")));
  socket.addEventListener("open", () => {
    failures = 0;
    connection.textContent = "live";
  });
  socket.addEventListener("message", ({ data }) => {
    // The latest comes first, and each new row is put on top.
    for (const task of JSON.parse(data).reverse()) show(task);
  });
  socket.addEventListener("close", () => {
    connection.textContent = "connecting";
    // Backoff with jitter: pages that were cut off together do not come back together.
    const wait = Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    setTimeout(connect, wait);
  });
}

function show(task) {
  const row = rows.get(task.task_id) ?? body.insertRow(0);
  rows.set(task.task_id, row);
  row.dataset.status = task.status;
  row.classList.toggle("conflict", task.conflict === 1);
  const status = `${task.status ?? "unknown"}${task.conflict ? ", though the other final status came too" : ""}`;
  const cells = [task.task_id, status, result(task)].map((content) => {
    const cell = document.createElement("td");
    cell.append(content);
    return cell;
  });
  row.replaceChildren(...cells);
}

/** Whatever an event holds is shown as text; only an https URL becomes a link. */
function result({ result_url, failure }) {
  if (!result_url?.startsWith("https://")) return failure ?? result_url ?? "";
  const link = document.createElement("a");
  link.href = result_url;
  link.rel = "noreferrer";
  link.target = "_blank";
  link.textContent = "open";
  return link;
}

connect();
