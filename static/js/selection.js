// Several requests at once: single ones, a range, or all of one tool and agent.
import { words } from "./words.js";

export class Selection {
  constructor(strips, form) {
    this.strips = strips;
    this.form = form;
    this.last = "";
    strips.list.addEventListener("change", () => this.tell());
    strips.list.addEventListener("click", (event) => this.click(event));
    form.addEventListener("reset", () => setTimeout(() => this.tell()));
    form.querySelector("[data-select-group]").addEventListener("click", () => this.group());
    this.tell();
  }

  get boxes() { return this.strips.rows.map(box).filter(Boolean); }
  get chosen() { return this.boxes.filter((one) => one.checked); }

  click(event) {
    const here = box(event.target.closest(".strip"));
    const label = event.target.closest(".strip-pick");
    if (!here || !event.shiftKey && !label) return;
    if (event.shiftKey) {
      if (event.target !== here) {
        event.preventDefault();
        if (!label) here.checked = true;
      }
      this.range(here);
    }
    this.last = idOf(here);
    this.tell();
  }

  range(here) {
    const { boxes } = this;
    // Rows are replaced by news, so the place where a range begins is kept by its id.
    const start = boxes.findIndex((one) => idOf(one) === this.last);
    const end = boxes.indexOf(here);
    const [from, to] = [start < 0 ? end : start, end].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = here.checked;
  }

  toggle(strip) {
    const here = box(strip);
    if (!here) return false;
    here.checked = !here.checked;
    this.last = idOf(here);
    this.tell();
  }

  // All that wait of the same tool and agent as the request that is open; again: none of them.
  group(strip = this.strips.selected) {
    const { group } = strip?.dataset ?? {};
    if (!group) return false;
    const boxes = this.strips.rows.filter((row) => row.dataset.group === group).map(box);
    const all = boxes.every((one) => one.checked);
    for (const one of boxes) one.checked = !all;
    this.tell();
  }

  clear() {
    if (!this.chosen.length) return false;
    this.form.reset();
  }

  tell() {
    const count = this.chosen.length;
    this.form.hidden = count === 0;
    this.form.querySelector("[data-selected]").textContent = words("selected", { count });
    this.form.querySelector("[data-select-group]").hidden = !this.strips.selected?.dataset.group;
  }
}

const idOf = (box) => box.closest(".strip").dataset.id;
const box = (strip) => strip?.querySelector(".strip-pick input");
