// Forms: preset reasons fill the text, search forms send themselves, a sent form is not sent twice.
document.addEventListener("change", (event) => {
  const preset = event.target.closest("[data-fills]");
  if (preset) {
    const field = document.getElementById(preset.dataset.fills);
    field.value = preset.value;
    field.focus();
  }
  const example = event.target.closest("[data-example]");
  if (example) {
    const goal = document.getElementById("goal");
    if (goal.value === goal.dataset.example) goal.value = goal.dataset.example = example.dataset.example;
  }
  event.target.closest("form[data-send-on-change]")?.requestSubmit();
});

// What the first click of two has brought under the pointer is not decided unread by the second.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest("[name=decision]")) event.preventDefault();
}, { capture: true });

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});

// A page that comes back from the browser's cache may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});
