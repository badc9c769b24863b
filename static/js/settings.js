// The theme, as the button in the rail keeps it.
const themes = document.getElementById("themes");
const show = () => {
  themes.querySelector(`[value="${localStorage.getItem("theme") ?? ""}"]`).checked = true;
};

show();
themes.addEventListener("change", ({ target: { value } }) => {
  if (value) localStorage.setItem("theme", value);
  else localStorage.removeItem("theme");
  document.dispatchEvent(new Event("theme"));
});
document.addEventListener("click", (event) => event.target.closest("[data-theme-toggle]") && show());
