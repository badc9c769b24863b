// The runs on the page stay true; new ones are announced, not pushed in.
import { askLater, gather, live } from "./live.js";

const table = document.getElementById("runs");
const bar = document.getElementById("arrivals");
const fresh = new Set();

const refresh = gather(async (ids) => {
  const all = ids.includes("*");
  const here = [...document.querySelectorAll("#runs tbody tr")].map((row) => row.dataset.id);
  const shown = all ? here : ids.filter((id) => here.includes(id));
  for (const id of ids) if (id !== "*" && !here.includes(id)) fresh.add(id);
  if (fresh.size && (!table || "first" in table.dataset)) {
    bar.textContent = fresh.size === 1 ? "Another run changed or started: show" : `${fresh.size} other runs changed or started: show`;
    bar.href = location.href;
    bar.hidden = false;
  }
  if (table && shown.length) {
    const query = new URLSearchParams({ ids: shown.join(",") });
    await htmx.ajax("GET", `${table.dataset.rows}?${query}`, { target: "#runs", swap: "none" });
  }
}, 150);

document.addEventListener("htmx:error", () => askLater(() => refresh("*")));
live("/ws/overview", {
  onChanged: (frame) => { if (frame.list === "runs") refresh(...(frame.ids.length ? frame.ids : ["*"])); },
  onResync: () => refresh("*"),
});
