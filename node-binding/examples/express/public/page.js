// Shows the tasks that the server sends: the latest ones on connection, then each change.

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
    // The latest task comes first. Each new row is inserted at the top.
    for (const task of JSON.parse(data).reverse()) show(task);
  });
  socket.addEventListener("close", () => {
    connection.textContent = "connecting";
    // Backoff with jitter, so that pages do not all reconnect at once.
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

/** Event data is shown as text; only an https URL becomes a link. */
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
