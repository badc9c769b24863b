// Keys that work anywhere, and the rule for all: never while somebody types.
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
const places = { o: "/", a: "/approvals/", r: "/runs/" };
let goTo = -Infinity;

export function onKey(bindings) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key)) return;
    if (typing(event.target) || document.querySelector("dialog[open]") || performance.now() - goTo < 800) return;
    const act = bindings[event.key];
    if (act && act(event) !== false) event.preventDefault();
  });
}

document.addEventListener("keydown", (event) => {
  if (performance.now() - goTo >= 800 || !(event.key in places) || typing(event.target)) return;
  event.stopImmediatePropagation();
  location.href = places[event.key];
}, { capture: true });

onKey({
  g: () => { goTo = performance.now(); },
  "?": () => document.getElementById("keys").showModal(),
  "/": () => {
    const search = document.querySelector("input[type=search]");
    if (!search) return false;
    search.focus();
    search.select();
  },
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener?.tagName === "BUTTON") document.getElementById(opener.dataset.open)?.showModal();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
