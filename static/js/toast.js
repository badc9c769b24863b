// Short messages, spoken to screen readers; what the server refuses is said here.
import { words } from "./words.js";

const box = document.getElementById("toasts");

const SAID = { 401: words("signedOut"), 403: words("refused"), 404: words("gone") };

export function toast(text, { kind = "", href = "", link = "" } = {}) {
  const there = box.querySelectorAll(".toast:not(.take-back)");
  if (!href && there[there.length - 1]?.textContent === text) return;
  if (there.length > 2) there[0].remove();
  const element = document.createElement("div");
  element.className = "toast";
  element.dataset.kind = kind;
  element.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (href) element.append(Object.assign(document.createElement("a"), { href, textContent: link }));
  box.append(element);
  leave(element, kind === "bad" ? 9000 : 5000);
}

const leave = (element, after) => setTimeout(() => element.remove(), after);
for (const element of box.children) leave(element, 8000);

document.addEventListener("toast", (event) => toast(event.detail.text, event.detail));
document.addEventListener("htmx:response:error", (event) => {
  const { response } = event.detail.ctx;
  if ([409, 422].includes(response.status) || response.headers.get("HX-Trigger")) return;
  toast(SAID[response.status] ?? words("failed"), { kind: "bad" });
});
document.addEventListener("htmx:error", (event) => {
  // Pages refresh themselves by GET, ask again by themselves, and say above that they are not live.
  if ((event.detail.ctx?.request?.method ?? "GET").toUpperCase() === "GET") return;
  toast(words("notReached"), { kind: "bad" });
});
