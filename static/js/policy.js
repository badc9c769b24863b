// An example that is pressed goes into the condition, where the cursor is.
document.addEventListener("click", (event) => {
  const example = event.target.closest("[data-insert]");
  if (!example) return;
  const field = document.getElementById("condition");
  const before = field.value.slice(0, field.selectionStart).trimEnd();
  const glue = before && !/[(!&|]$/.test(before) ? " && " : before ? " " : "";
  const text = before + glue + example.dataset.insert;
  field.value = text + field.value.slice(field.selectionEnd);
  field.focus();
  field.setSelectionRange(text.length, text.length);
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
