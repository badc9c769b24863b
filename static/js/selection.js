// Several requests at once: single ones, a range, or all of one tool and agent.
export class Selection {
  constructor(strips, form) {
    this.strips = strips;
    this.form = form;
    this.last = null;
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
    this.last = here;
    this.tell();
  }

  range(here) {
    const { boxes } = this;
    const [from, to] = [boxes.indexOf(this.last ?? here), boxes.indexOf(here)].sort((a, b) => a - b);
    for (const one of boxes.slice(Math.max(0, from), to + 1)) one.checked = here.checked;
  }

  toggle(strip) {
    const here = box(strip);
    if (!here) return false;
    here.checked = !here.checked;
    this.last = here;
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
    this.form.querySelector("[data-selected]").textContent = `Decide ${count} selected`;
    this.form.querySelector("[data-select-group]").hidden = !this.strips.selected?.dataset.group;
  }
}

const box = (strip) => strip?.querySelector(".strip-pick input");
