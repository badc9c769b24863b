// Rings that empty until their deadline, the minutes that are left, and the seconds in which one may take it back.
import { now } from "./clock.js";

function words(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export function tick() {
  for (const element of document.querySelectorAll(".countdown[data-deadline]")) {
    const [from, until] = [Number(element.dataset.from), Number(element.dataset.deadline)];
    const left = until - now();
    const share = Math.min(1, Math.max(0, left / Math.max(1, until - from)));
    element.querySelector(".left").setAttribute("stroke-dashoffset", String(100 - 100 * share));
    element.querySelector("b").textContent = words(left);
    element.toggleAttribute("data-soon", left < 30_000);
  }
  for (const element of document.querySelectorAll(".take-back[data-until]")) {
    const left = Number(element.dataset.until) - now();
    element.querySelector("[data-left]").textContent = `${Math.max(0, Math.ceil(left / 1000))} s`;
    if (left > 0 || element.querySelector(":disabled")) continue; // it is just being taken back
    element.dispatchEvent(new CustomEvent("took-effect", { bubbles: true }));
    element.remove();
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("htmx:after:swap", tick);
