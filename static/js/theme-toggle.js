// Light, dark, or as the system does; remembered in this browser.
import { words } from "./words.js";

const order = ["", "light", "dark"];
const names = { "": words("theme"), light: words("themeLight"), dark: words("themeDark") };

function show(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.querySelector("span").textContent = names[theme];
  }
}

show(localStorage.getItem("theme") ?? "");
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = order[(order.indexOf(localStorage.getItem("theme") ?? "") + 1) % order.length];
  if (next) localStorage.setItem("theme", next);
  else localStorage.removeItem("theme");
  show(next);
});
document.addEventListener("theme", () => show(localStorage.getItem("theme") ?? ""));
