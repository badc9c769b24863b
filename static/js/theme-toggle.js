// Light, dark, or as the system does; remembered in this browser.
const order = ["", "light", "dark"];
const words = { "": "System theme", light: "Light theme", dark: "Dark theme" };

function show(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.querySelector("span").textContent = words[theme];
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
