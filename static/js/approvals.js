// The review queue: one request open, the list live around it, every decision one key away.
import { onKey } from "./keys.js";
import { tick } from "./countdown.js";
import { askLater, gather, live } from "./live.js";
import { localise } from "./time.js";
import { toast } from "./toast.js";
import { Strips } from "./strips.js";

const inbox = document.getElementById("inbox");
const pane = document.getElementById("request");
const strips = new Strips(document.getElementById("strips"), document.getElementById("arrivals"));
const phone = matchMedia("(max-width: 899px)");
const opened = () => pane.querySelector(".request")?.dataset;
let asked = opened()?.id;

async function open(strip, { focus = false } = {}) {
  if (!strip) return nothing();
  strips.select(strip.dataset.id);
  asked = strip.dataset.id;
  const href = strip.querySelector("a").href;
  history.replaceState(null, "", href);
  await htmx.ajax("GET", href, { target: "#request", swap: "innerHTML" });
  if (focus) pane.focus();
}

function nothing() {
  pane.replaceChildren(document.getElementById("nothing").content.cloneNode(true));
  inbox.dataset.opened = "no";
  history.replaceState(null, "", "/approvals/");
}

const isOpen = () => opened() && opened().id === asked;

inbox.addEventListener("click", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  const strip = event.target.closest(".strip");
  if (strip && plain && !phone.matches) {
    event.preventDefault();
    open(strip);
  }
  if (event.target.closest("[data-next]") && plain && strips.following(opened()?.id)) {
    event.preventDefault();
    open(strips.following(opened()?.id));
  }
});

function move(by) {
  const strip = strips.neighbour(by);
  if (!strip) return;
  strip.querySelector("a").focus({ preventScroll: true });
  strip.scrollIntoView({ block: "nearest" });
  open(strip);
}

function press(selector) {
  const button = isOpen() && pane.querySelector(selector);
  if (!button) return false;
  button.click();
}

onKey({
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: (event) => event.target.closest(".strips") ? move(1) : false,
  ArrowUp: (event) => event.target.closest(".strips") ? move(-1) : false,
  o: () => pane.focus(),
  a: () => {
    const outcome = isOpen() && pane.querySelector("[data-outcome]");
    if (!outcome) return press("[data-approve]");
    outcome.focus();
  },
  h: () => press("[data-hold]"),
  r: () => {
    const reject = isOpen() && pane.querySelector("[data-reject]");
    if (!reject) return false;
    reject.open = true;
    reject.querySelector("input[name=reason]").focus();
  },
});

pane.addEventListener("toggle", (event) => {
  if (event.target.matches("[data-reject]") && event.target.open) event.target.querySelector("input[name=reason]").focus();
}, { capture: true });

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  const reject = pane.querySelector("[data-reject][open]");
  if (reject) reject.open = false;
  (strips.selected?.querySelector("a") ?? pane).focus({ preventScroll: true });
});

// Decided here: say so and go on to the next one.
document.addEventListener("decided", (event) => {
  const { id, text, decision } = event.detail;
  toast(text, { href: `/approvals/${id}`, link: "See" });
  if (decision === "hold") return;
  const next = strips.following(id);
  strips.leave(id);
  open(next).then(() => next?.querySelector("a").focus({ preventScroll: true }));
});

const refresh = gather(async (ids) => {
  const all = ids.includes("*");
  const query = new URLSearchParams({ q: inbox.dataset.q, ids: all ? "" : ids.join(",") });
  const answer = await fetch(`${inbox.dataset.rows}?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer || answer.status >= 500) return askLater(() => refresh(...ids));
  if (!answer.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const count = holder.content.querySelector("#pending-count");
  document.getElementById("pending-count").replaceWith(count);
  const decided = strips.take([...holder.content.querySelectorAll(".strip")], { all });
  tick();
  localise();
  const shown = opened();
  if (shown?.status === "pending" && decided.includes(shown.id)) {
    // Somebody else was first: say who, where it was being looked at.
    await htmx.ajax("GET", `/approvals/${shown.id}`, { target: "#request", swap: "innerHTML" });
  } else if (shown?.status === "pending" && ids.includes(shown.id) && !pane.querySelector("[data-reject][open], [data-outcome]:focus")) {
    await htmx.ajax("GET", `/approvals/${shown.id}`, { target: "#request", swap: "innerMorph" });
  } else if (!shown && strips.first && !phone.matches) {
    open(strips.first);
  }
});

live("/ws/approvals", {
  onChanged: (frame) => { if (frame.list === "approvals") refresh(...(frame.ids.length ? frame.ids : ["*"])); },
  onResync: () => refresh("*"),
});
