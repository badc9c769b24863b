// The review queue: one request open, the list live around it, every decision one key away.
import { onKey } from "./keys.js";
import { tick } from "./countdown.js";
import { gather, live, onFailure, piece } from "./live.js";
import { busy, opened, pane, renew, working } from "./pane.js";
import { Selection } from "./selection.js";
import { Strips } from "./strips.js";
import { offer, takeBack } from "./take-back.js";
import { localise } from "./time.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

const inbox = document.getElementById("inbox");
const strips = new Strips(document.getElementById("strips"), document.getElementById("arrivals"));
const selection = new Selection(strips, document.getElementById("selection"));
const phone = matchMedia("(max-width: 899px)");
const announce = (text) => { document.getElementById("announce").textContent = text; };
let asked = opened()?.id ?? (working() ? "several" : "");

async function open(strip, { focus = false } = {}) {
  if (!strip) return nothing();
  strips.select(strip.dataset.id);
  asked = strip.dataset.id;
  const href = strip.querySelector("a").href;
  history.replaceState(null, "", href);
  selection.tell();
  await htmx.ajax("GET", href, { target: "#request", swap: "innerHTML" });
  if (focus) pane.focus();
}

function nothing() {
  asked = "";
  pane.replaceChildren(document.getElementById("nothing").content.cloneNode(true));
  inbox.dataset.opened = "no";
  history.replaceState(null, "", "/approvals/");
}

// Never press a button of what was there before: what was asked for may still be on its way.
const isOpen = () => asked === "several" ? working() : opened()?.id === asked;

// A late answer about what was open before does not replace what is open now; what one takes back is opened.
document.addEventListener("htmx:before:swap", (event) => {
  const { target, request, response, swap } = event.detail.ctx;
  if (target !== pane) return;
  const about = /approvals\/([0-9a-f-]{36})/.exec(request.action)?.[1] ?? "several";
  if (about !== asked && request.body?.get?.("decision") === "take_back") {
    asked = about;
    strips.select(about);
  }
  // Somebody began to work in it after its renewal was asked for.
  const begun = swap === "innerMorph" && request.method.toUpperCase() === "GET" && (busy() || working());
  if (about === asked && !begun) return;
  event.preventDefault();
  if (begun && !working()) renew(about);
  if ([409, 422].includes(response.status)) toast(words("notTaken"), { kind: "bad", href: `/approvals/${about}`, link: words("see") });
});

function leave() {
  const way = pane.querySelector("[data-leave]");
  if (!way) return false;
  if (pane.querySelector("[data-editing]")) way.click();
  else open(strips.selected ?? strips.first);
  toList();
}

const toList = () => (strips.selected?.querySelector("a") ?? pane).focus({ preventScroll: true });

inbox.addEventListener("click", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  const strip = event.target.closest(".strip-link")?.closest(".strip");
  if (!plain || event.defaultPrevented) return;
  if (strip && !phone.matches) {
    event.preventDefault();
    open(strip);
  } else if (event.target.closest("[data-next]") && strips.following(opened()?.id)) {
    event.preventDefault();
    open(strips.following(opened()?.id));
  } else if (event.target.closest("[data-panel] [data-leave]")) {
    event.preventDefault();
    leave();
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

function unfold(selector) {
  const part = isOpen() && pane.querySelector(selector);
  if (!part) return false;
  part.open = true;
  part.querySelector(`[name=${part.dataset.asks}]`).focus();
}

onKey({
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: (event) => event.target.closest(".strips") ? move(1) : false,
  ArrowUp: (event) => event.target.closest(".strips") ? move(-1) : false,
  o: () => pane.focus(),
  a: () => {
    const words = isOpen() && pane.querySelector("[data-outcome], .decide > .decide-answer [data-option], .decide > .decide-answer [data-answer]");
    if (!words) return press("[data-approve]");
    words.focus();
  },
  c: () => press("[data-claim]"),
  e: () => press("[data-edit-link]"),
  h: () => press("[data-hold]"),
  q: () => unfold("[data-ask]"),
  r: () => unfold("[data-reject]"),
  x: () => selection.toggle(strips.selected),
  X: () => selection.group(),
  A: () => {
    if (!selection.chosen.length) return toast(words("selectFirst"));
    asked = "several";
    selection.form.requestSubmit();
  },
  z: () => takeBack(pane),
});
selection.form.addEventListener("submit", () => { asked = "several"; });
selection.form.addEventListener("htmx:finally:request", () => {
  if (asked === "several" && !working()) asked = opened()?.id ?? ""; // it was not reached, or refused
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (document.activeElement.matches("[data-editing] .input")) return pane.focus();
  const part = pane.querySelector(".decide-part[open]");
  if (part) {
    part.open = false;
    toList();
  } else if (leave() === false) {
    if (!pane.contains(document.activeElement)) selection.clear();
    toList();
  }
});

// Decided here: say so, offer the way back, and go on to the next one.
document.addEventListener("decided", (event) => {
  const { id, text, decision, until } = event.detail;
  if (until) offer(event.detail);
  else toast(text, { href: `/approvals/${id}`, link: words("see") });
  if (decision === "take_back") {
    asked = id;
    strips.expect(id);
    refresh(id);
    return;
  }
  if (decision === "hold") return;
  if (asked !== id) return strips.leave(id);
  const next = strips.following(id);
  strips.leave(id);
  open(next).then(() => next?.querySelector("a").focus({ preventScroll: true }));
});

document.addEventListener("took-effect", () => {
  const shown = opened();
  if (shown?.status === "approved" && isOpen() && !working()) renew(shown.id);
});

document.addEventListener("htmx:after:swap", () => { strips.complete(); selection.tell(); });

const refresh = gather(async (ids) => {
  const all = ids.includes("*");
  const query = new URLSearchParams(inbox.dataset.query);
  if (!all) query.set("ids", ids.join(","));
  const news = await piece(`${inbox.dataset.rows}?${query}`, () => refresh(...ids));
  if (!news) return;
  for (const id of ["pending-count", "groups"]) document.getElementById(id).replaceWith(news.querySelector(`#${id}`));
  const decided = strips.take([...news.querySelectorAll(".strip")], { all });
  selection.tell();
  tick();
  localise();
  await follow(ids, decided);
});

// The open request, after the list: who decided it elsewhere, what the agent answered, who looks at it.
async function follow(ids, decided) {
  const shown = opened();
  const sent = selection.form.matches(".htmx-request");
  if (shown?.id !== asked && !working() && !sent && strips.first && !phone.matches) return open(strips.find(asked) ?? strips.first);
  if (shown?.id !== asked || !ids.some((id) => id === asked || id === "*")) return;
  if ("editing" in shown) {
    const mine = pane.querySelector("[data-editing].htmx-request");  // its answer is on the way
    if (decided.includes(shown.id) && !mine) toast(words("decidedMeanwhile"), { kind: "bad" });
  } else if (shown.status === "pending" && decided.includes(shown.id)) {
    await htmx.ajax("GET", `/approvals/${shown.id}`, { target: "#request", swap: "innerHTML" });
    announce(pane.querySelector(".decide-done")?.textContent ?? "");
  } else {
    await renew(shown.id);
  }
}

onFailure(() => refresh("*"));
live("/ws/approvals", {
  onChanged: (frame) => { if (frame.list === "approvals") refresh(...(frame.ids.length ? frame.ids : ["*"])); },
  onResync: () => refresh("*"),
});
