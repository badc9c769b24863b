// One run, growing while one looks: streamed text at once, everything else from the server's own templates.
import { tick } from "./countdown.js";
import { onKey } from "./keys.js";
import { askLater, gather, live, onFailure } from "./live.js";
import { connect } from "./socket.js";
import { localise } from "./time.js";

const run = document.getElementById("run");
const timeline = document.getElementById("timeline");
const jump = document.getElementById("jump");
const head = () => document.getElementById("run-head");
const lastStep = () => Number(timeline.lastElementChild?.dataset.number ?? 0);
const early = new Map();
let heard = 0;

// Scroll follows the end only if the person was there.
const NEAR = 120;
const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - NEAR;
function following(change) {
  const follow = atEnd() && scrollY > 0;
  change();
  if (follow) scrollTo({ top: document.documentElement.scrollHeight });
  else jump.hidden = atEnd();
}
addEventListener("scroll", () => { if (atEnd()) jump.hidden = true; }, { passive: true });
jump.addEventListener("click", () => scrollTo({ top: document.documentElement.scrollHeight, behavior: "smooth" }));

function write(step, pieces) {
  const stream = document.getElementById(`stream-${step}`);
  if (!stream) {
    if (step > lastStep()) early.set(step, [...(early.get(step) ?? []), ...pieces]);
    return;
  }
  let end = Number(stream.dataset.end ?? 0);
  for (const { kind, text, tool, at } of pieces) {
    const fresh = text.slice(Math.max(0, end - at)); // what came before the page was opened may overlap
    if (!fresh) continue;
    let block = stream.lastElementChild;
    if (!block || block.dataset.kind !== kind || (tool && block.dataset.tool !== tool)) {
      block = document.createElement("p");
      block.dataset.kind = kind;
      if (tool) block.dataset.tool = tool;
      stream.append(block);
    }
    block.append(at > end ? `… ${fresh}` : fresh);
    stream.dataset.end = end = at + text.length;
  }
}

// A call that is tried again says it all anew.
function restart(step) {
  early.delete(step);
  waiting.delete(step);
  const stream = document.getElementById(`stream-${step}`);
  stream?.replaceChildren();
  delete stream?.dataset.end;
}

const waiting = new Map();
let frame = 0;
function delta(message) {
  waiting.set(message.step, [...(waiting.get(message.step) ?? []), message]);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    following(() => { for (const [step, pieces] of waiting) write(step, pieces); });
    waiting.clear();
  });
}

const update = gather(async () => {
  const query = new URLSearchParams({ after: head().dataset.seq, last: lastStep() });
  const follow = atEnd() && scrollY > 0;
  await htmx.ajax("GET", `${run.dataset.updates}?${query}`, { target: "#run", swap: "none" });
  for (const [step, pieces] of early) {
    if (step <= lastStep()) {
      early.delete(step);
      write(step, pieces);
    }
  }
  localise();
  tick();
  listenBelow();
  if (follow) scrollTo({ top: document.documentElement.scrollHeight });
  if (Number(head().dataset.seq) < heard) askLater(() => update("missed"));
}, 50);

live(`/ws/runs/${run.dataset.id}`, {
  seq: Number(head().dataset.seq),
  onEvent: (event) => {
    if (["step.opened", "step.retried"].includes(event.kind)) restart(event.data.step);
    heard = event.seq;
    if (heard > Number(head().dataset.seq)) update(heard);
  },
  onDelta: delta,
  onResync: ({ seq }) => {
    heard = Math.max(heard, seq);
    update("all");
  },
});
onFailure(() => update("failed"));

// A countdown that somebody holds is told to the queue alone.
document.addEventListener("requests", ({ detail: { ids } }) => {
  if (document.querySelector(ids.map((id) => `#decide-${id}`).join() || "[id^=decide-]")) update("requests");
});

// What becomes of the runs below is told to the team's list of runs, not to this one.
let below = null;
function listenBelow() {
  if (below || !document.querySelector("[data-run]")) return;
  const all = () => update("below");
  below = connect("/ws/overview", {
    onChanged: ({ list, ids }) => {
      const shown = (id) => document.querySelector(`[data-run="${CSS.escape(id)}"]`);
      if (list === "runs" && (!ids.length || ids.some(shown))) all();
    },
    onResync: all,
  });
}
listenBelow();

for (const done of ["decided", "acted"]) document.addEventListener(done, () => update(done));

// Forms close when they are done, and say in place what was refused.
document.addEventListener("acted", ({ target }) => {
  target.closest("details.confirm")?.removeAttribute("open");
  target.reset?.();
});
document.addEventListener("refused", ({ target, detail }) => {
  const field = target.elements?.[detail.field];
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
});

// Steps that the page does not have stand in gaps; a link to one brings those around it, not all between.
const fill = (gap, wanted = {}) => htmx.ajax(
  "GET", `${run.dataset.steps}?${new URLSearchParams({ ...gap.dataset, ...wanted })}`, { target: gap, swap: "outerHTML" },
);
timeline.addEventListener("click", async ({ target }) => {
  const gap = target.closest("button") && target.closest(".gap");
  if (!gap) return;
  const { after, before } = gap.dataset;
  await fill(gap);
  document.getElementById(`step-${Number(after) ? Number(after) + 1 : before - 1}`)?.focus({ preventScroll: true });
});

// #step-3 and #call-12 work for steps not loaded yet.
async function follow() {
  const [, kind, number] = location.hash.match(/^#(step|call)-(\d+)$/) ?? [];
  if (!kind) return;
  const there = () => document.getElementById(location.hash.slice(1));
  for (const gap of timeline.querySelectorAll(".gap")) if (!there()) await fill(gap, { [kind]: number });
  const target = there();
  if (target?.matches("details")) target.open = true;
  // Steps out of sight have guessed heights: the place is true once those around it are laid out.
  for (let frame = 0; target && frame < 5; frame += 1) {
    target.scrollIntoView();
    await new Promise(requestAnimationFrame);
  }
}

function open(id) {
  const box = document.getElementById(id);
  if (!box) return false;
  box.open = true;
  box.querySelector("textarea, input:not([type=hidden])").focus();
}

document.addEventListener("click", (event) => {
  const raise = event.target.closest("[data-raise]");
  if (raise) {
    event.preventDefault();
    open("limits");
    document.querySelector(raise.getAttribute("href"))?.select();
  }
  if (!event.target.closest("[data-jump-waiting]")) return;
  const call = document.querySelector(".call[data-waiting], .plan-review[data-waiting]");
  if (!call) return;
  event.preventDefault();
  call.scrollIntoView({ block: "center" });
  call.querySelector("button, summary, textarea, input:not([type=hidden])")?.focus({ preventScroll: true });
});
document.addEventListener("keydown", (event) => {
  const box = event.key === "Escape" && document.querySelector("details.confirm[open]");
  if (!box) return;
  box.open = false;
  box.querySelector("summary").focus();
});

// The step that is read: the one with the focus, or the first that is in view.
function go(by) {
  const steps = [...timeline.querySelectorAll(".step")];
  const here = document.activeElement.closest?.(".step");
  const at = here ? steps.indexOf(here) + by : steps.findIndex((step) => step.getBoundingClientRect().bottom > 0);
  const step = steps[Math.min(Math.max(at, 0), steps.length - 1)];
  step?.focus({ preventScroll: true });
  step?.scrollIntoView();
}
onKey({
  p: () => document.querySelector(".run-controls [data-key=p]")?.click() ?? false,
  m: () => open("message"),
  j: () => go(1),
  k: () => go(-1),
  e: () => scrollTo({ top: document.documentElement.scrollHeight }),
});

addEventListener("hashchange", follow);
follow();
