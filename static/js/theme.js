// Before the first paint: the theme that the person chose (none: the system's).
{
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}
