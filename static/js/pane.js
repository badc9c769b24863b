// The request that is open: what is in it, whether somebody works in it, and keeping it true without taking that away.
import { piece } from "./live.js";
import { words } from "./words.js";

export const pane = document.getElementById("request");

export const opened = () => pane.querySelector(".request[data-id]")?.dataset;
export const working = () => pane.querySelector("[data-editing], [data-panel], [data-results]");

const changed = (field) => field.type !== "hidden" && field.type !== "radio" && field.value !== field.defaultValue;

export function busy() {
  const typing = pane.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  return typing || pane.querySelector(".decide-part[open]") || [...pane.querySelectorAll("textarea, input")].some(changed);
}

// The whole when nobody is in the middle of something, else only the parts that one reads.
export async function renew(id) {
  const address = `/approvals/${id}`;
  if (!busy()) return htmx.ajax("GET", address, { target: "#request", swap: "innerMorph" });
  const news = await piece(address);
  if (!news || opened()?.id !== id) return;
  for (const part of news.querySelectorAll("[data-part]")) {
    pane.querySelector(`[data-part="${part.dataset.part}"]`)?.replaceWith(part);
  }
}

const first = (...selectors) => selectors.map((one) => pane.querySelector(one)).find(Boolean);

// A form that comes back with a step more or less stays where it was.
let scrolled = 0;
document.addEventListener("htmx:before:swap", () => { scrolled = pane.querySelector("[data-editing] .request-body")?.scrollTop ?? 0; });

// What has just come asks for the focus: a form at its first fault, a panel at its heading.
document.addEventListener("htmx:after:swap", (event) => {
  const form = working();
  if (!form) return;
  document.getElementById("inbox").dataset.opened = "yes";
  if (event.detail.ctx.target !== pane) return compare();
  if (form.matches("[data-editing]")) form.querySelector(".request-body").scrollTop = scrolled;
  const wants = form.querySelector("[autofocus], [aria-invalid]");
  if (wants) {
    wants.focus();
    wants.scrollIntoView({ block: "nearest" });
  }
  if (!form.contains(document.activeElement)) first("[aria-invalid]", ".edit-field .input", "#edit-json", "[data-focus]")?.focus();
  compare();
});

// Of checkboxes: the values, in an order that says nothing.
const ticked = (field) => field.matches("fieldset") ? [...field.querySelectorAll(":checked")].map(({ value }) => value).sort().join(", ") : undefined;

function compare() {
  const form = pane.querySelector("[data-editing]");
  if (!form) return;
  for (const field of form.querySelectorAll(".edit-field")) {
    const held = field.querySelector(".input")?.value ?? ticked(field);
    if (held !== undefined) field.toggleAttribute("data-changed", held !== field.dataset.asked);
  }
  const count = form.querySelectorAll(".edit-field[data-changed]").length;
  form.querySelector("[data-changes]").textContent = count === 0 ? "" : words(count === 1 ? "change" : "changes", { count });
}

pane.addEventListener("input", compare);
pane.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) pane.querySelector("[data-save]")?.click();
});
pane.addEventListener("toggle", (event) => {
  const { asks } = event.target.dataset;
  if (asks && event.target.open) event.target.querySelector(`[name=${asks}]`).focus();
}, { capture: true });
compare();
