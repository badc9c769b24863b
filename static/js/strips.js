// The list of waiting requests: what is new waits behind a bar while somebody works in the list; what is decided fades.
import { words } from "./words.js";

const pending = (strip) => strip.dataset.status === "pending";

export class Strips {
  constructor(list, bar) {
    this.list = list;
    this.bar = bar;
    this.waiting = new Map();
    this.expected = new Set();
    bar.addEventListener("click", () => this.admit());
    list.addEventListener("focusout", (event) => {
      if (!list.contains(event.relatedTarget) && document.hidden) this.admit();
    });
  }

  get rows() { return [...this.list.querySelectorAll(".strip:not(.is-leaving)")]; }
  get first() { return this.rows.find(pending); }
  get selected() { return this.list.querySelector(".strip:has(a[aria-current])"); }
  find(id) { return this.list.querySelector(`.strip[data-id="${CSS.escape(id)}"]`); }

  select(id) {
    for (const link of this.list.querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
    this.find(id)?.querySelector("a").setAttribute("aria-current", "true");
  }

  neighbour(by) {
    const rows = this.rows;
    const at = rows.indexOf(this.selected);
    return at < 0 ? rows[0] : rows[at + by];
  }

  // The next one that waits: below, else above.
  following(id) {
    const rows = this.rows;
    const at = rows.findIndex((row) => row.dataset.id === id);
    return rows.slice(at + 1).find(pending) ?? rows.slice(0, Math.max(0, at)).reverse().find(pending);
  }

  // The rows that the page did not bring along are there: what came live meanwhile is not shown twice.
  complete() {
    const seen = new Set();
    for (const row of this.rows) {
      if (seen.has(row.dataset.id)) row.remove();
      seen.add(row.dataset.id);
      this.waiting.delete(row.dataset.id);
    }
    this.tell();
  }

  // What the person brings back here themselves is no arrival: it does not wait behind the bar.
  expect(id) { this.expected.add(id); }

  // Rows as the server has them now. Answers the ids that are decided.
  take(rows, { all }) {
    const decided = [];
    for (const row of rows) {
      const { id } = row.dataset;
      const here = this.find(id);
      if (!pending(row)) {
        decided.push(id);
        this.waiting.delete(id);
        if (here && !here.classList.contains("is-leaving")) this.replace(here, row);
        if (here) this.leave(id);
      } else if (here) {
        this.replace(here, row);
      } else {
        this.waiting.set(id, row);
      }
    }
    if (all) {
      this.list.querySelector(".strips-rest")?.remove();
      const known = new Set(rows.map((row) => row.dataset.id));
      for (const row of this.rows) {
        if (known.has(row.dataset.id)) continue;
        decided.push(row.dataset.id);
        this.leave(row.dataset.id);
      }
    }
    const busy = this.list.contains(document.activeElement) || document.activeElement?.closest("#request");
    const back = [...this.waiting.keys()].filter((id) => this.expected.has(id));
    if (!busy || !this.first || back.length) this.admit();
    for (const id of rows.map((row) => row.dataset.id).filter((id) => this.expected.delete(id))) {
      this.select(id);
      this.selected?.querySelector("a").focus({ preventScroll: true });
    }
    this.tell();
    return decided;
  }

  replace(here, row) {
    if (here.querySelector("a").hasAttribute("aria-current")) row.querySelector("a").setAttribute("aria-current", "true");
    const [was, is] = [here, row].map((one) => one.querySelector(".strip-pick input"));
    if (was?.checked && is) is.checked = true;
    const focused = here.contains(document.activeElement);
    here.replaceWith(row);
    if (focused) row.querySelector("a").focus({ preventScroll: true });
  }

  // New rows where they belong by consequence; what is being looked at stays where it is on the screen.
  admit() {
    const anchor = this.selected;
    const before = anchor?.getBoundingClientRect().top;
    for (const row of this.waiting.values()) {
      row.classList.add("is-new");
      const after = this.rows.find((other) => other.dataset.order > row.dataset.order);
      if (after) after.before(row);
      else this.list.append(row);
    }
    this.waiting.clear();
    if (anchor) this.list.scrollTop += anchor.getBoundingClientRect().top - before;
    this.tell();
  }

  tell() {
    const count = this.waiting.size;
    this.bar.hidden = count === 0;
    this.bar.textContent = words("arrived", { count });
  }

  leave(id) {
    const row = this.find(id);
    if (!row || row.dataset.leaving) return;
    row.dataset.leaving = "yes";
    setTimeout(() => row.classList.add("is-leaving"), 3000);
    setTimeout(() => row.remove(), 3500);
  }
}
