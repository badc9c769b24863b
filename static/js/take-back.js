// Second thoughts: for some seconds after an approval it says so, with the way back.
import { tick } from "./countdown.js";
import { clockTime } from "./time.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

const box = document.getElementById("toasts");

export function offer({ id, revision, until, text }) {
  const offered = document.createElement("div");
  offered.className = "toast take-back";
  Object.assign(offered.dataset, { id, revision, until, text });
  offered.append(Object.assign(document.createElement("span"), { textContent: text }));
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.takeBack = "";
  button.innerHTML = ' <span data-left aria-hidden="true"></span> <kbd aria-hidden="true">z</kbd>';
  button.prepend(words("takeBack"));
  offered.append(button);
  box.append(offered);
  tick();
}

box.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-take-back]");
  if (!button) return;
  const offered = button.closest(".take-back");
  const { id, revision } = offered.dataset;
  const csrfmiddlewaretoken = document.querySelector("[name=csrfmiddlewaretoken]").value;
  button.disabled = true;
  await htmx.ajax("POST", `/approvals/${id}/decision`, {
    source: offered,
    target: "#request",
    swap: "innerHTML",
    values: { decision: "take_back", revision, place: "inbox", csrfmiddlewaretoken },
  });
  button.disabled = false;
});

document.addEventListener("decided", ({ detail }) => {
  if (detail.decision === "take_back") box.querySelector(`.take-back[data-id="${CSS.escape(detail.id)}"]`)?.remove();
});

box.addEventListener("took-effect", (event) => {
  const { id, text } = event.target.dataset;
  toast(words("tookEffect", { said: text, time: clockTime(new Date()) }), { href: `/approvals/${id}`, link: words("see") });
});

// The newest one: of the group just decided, else of the last single decision, else of the request that is open.
export function takeBack(pane) {
  const button = pane.querySelector("[data-results] [data-take-back]")
    ?? [...box.querySelectorAll("[data-take-back]:enabled")].at(-1) ?? pane.querySelector("[data-take-back]");
  if (!button) return false;
  button.click();
}
