// Copies a secret that is shown once.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const shown = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(shown.textContent);
    button.textContent = button.dataset.done;
  } catch {
    // Without TLS a browser lends no clipboard: leave it selected for Ctrl-C.
    getSelection().selectAllChildren(shown);
  }
});
