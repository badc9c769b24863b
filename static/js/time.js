// Times in the person's zone and language: relative ones stay true, the exact one is in the title.
import { now } from "./clock.js";
import { words } from "./words.js";

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const { timeZone } = document.documentElement.dataset; // as chosen in the settings; none: the browser's own
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long", timeZone });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", timeZone });
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

function ago(time) {
  const passed = (time - now()) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(passed) >= size) return relative.format(Math.trunc(passed / size), unit);
  }
  return words("justNow");
}

function elapsed(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

export function localise(root = document) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    const time = new Date(element.dateTime);
    const style = element.dataset.time;
    const said = style === "clock" ? clock.format(time) : style === "exact" ? exact.format(time) : ago(time);
    if (element.textContent !== said) element.textContent = said;
    element.title = exact.format(time);
  }
  for (const element of root.querySelectorAll("[data-since]")) {
    const said = elapsed(now() - Number(element.dataset.since));
    if (element.textContent !== said) element.textContent = said;
  }
}

export const clockTime = (date) => clock.format(date);

localise();
setInterval(localise, 1000);
document.addEventListener("htmx:after:swap", () => localise());
