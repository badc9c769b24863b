// The runs on the page stay true; new ones are announced, not pushed in. j and k walk the rows.
import { onKey } from "./keys.js";
import { gather, live, onFailure } from "./live.js";

const table = document.getElementById("runs");
const bar = document.getElementById("arrivals");
const rows = () => [...document.querySelectorAll("#runs tbody tr")];

const refresh = gather(async (ids) => {
  const here = rows().map((row) => row.dataset.id);
  const all = ids.includes("*");
  const shown = all ? here : here.filter((id) => ids.includes(id));
  if (table && shown.length) {
    const query = new URLSearchParams({ ids: shown.join(",") });
    await htmx.ajax("GET", `${table.dataset.rows}?${query}`, { target: "#runs", swap: "none" });
  }
  const unknown = all || ids.some((id) => !here.includes(id));
  if (unknown && !("off" in bar.dataset)) await htmx.ajax("GET", bar.dataset.fresh, { target: "#arrivals", swap: "innerHTML" });
}, 150);

function move(by) {
  const links = rows().map((row) => row.querySelector("a"));
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : at + by];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

onKey({
  j: () => move(1),
  k: () => move(-1),
  o: () => (document.activeElement.closest("#runs a") ? document.activeElement.click() : false),
});

// An address without empty filters is one that can be read, and the same as the saved view's.
document.getElementById("filters").addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (!value) formData.delete(name);
});

onFailure(() => refresh("*"));
live("/ws/overview", {
  onChanged: (frame) => { if (frame.list === "runs") refresh(...(frame.ids.length ? frame.ids : ["*"])); },
  onResync: () => refresh("*"),
});
