// The overview stays true, and shows the words of running agents as they are written.
import { tick } from "./countdown.js";
import { gather, live, onFailure } from "./live.js";
import { connect } from "./socket.js";
import { localise } from "./time.js";

const overview = document.getElementById("overview");
const WATCHED = 6;
const watched = new Map();

function watch() {
  const rows = [...overview.querySelectorAll("[data-run]")].slice(0, WATCHED);
  const ids = new Set(rows.map((row) => row.dataset.run));
  for (const [id, socket] of watched) {
    if (ids.has(id)) continue;
    socket.close();
    watched.delete(id);
  }
  for (const { dataset } of rows) {
    if (!watched.has(dataset.run)) watched.set(dataset.run, follow(dataset.run, dataset.seq));
  }
}

function follow(id, seq) {
  let words = "";
  let step = 0;
  return connect(`/ws/runs/${id}`, {
    seq: Number(seq),
    onEvent: () => refresh("*"),
    onDelta(frame) {
      if (frame.kind === "tool_input") return;
      if (frame.step !== step || !frame.at) [step, words] = [frame.step, ""];
      words = (words + frame.text).slice(-300);
      const line = overview.querySelector(`[data-run="${CSS.escape(id)}"] [data-said]`);
      if (line) {
        line.textContent = words;
        line.scrollLeft = line.scrollWidth;
      }
    },
  });
}

const refresh = gather(async () => {
  await htmx.ajax("GET", overview.dataset.livePart, { target: "#overview", swap: "innerMorph" });
  tick();
  localise();
  watch();
}, 200);

onFailure(() => refresh("*"));
watch();
live("/ws/overview", { onChanged: () => refresh("*"), onResync: () => refresh("*") });
