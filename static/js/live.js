// A page's socket: frames to the page, and the connection's state to the person.
import { connect } from "./socket.js";
import { clockTime } from "./time.js";
import { words } from "./words.js";

export function live(path, options) {
  const lost = document.getElementById("lost");
  let shown = new Date();
  let warning = 0;

  function say(name, word, sentence = "") {
    for (const element of document.querySelectorAll("[data-live]")) {
      element.dataset.state = name;
      element.querySelector("span").textContent = word;
    }
    clearTimeout(warning);
    lost.hidden = true;
    // A blink of the network is not worth a banner.
    if (sentence) warning = setTimeout(() => {
      lost.querySelector("p").textContent = sentence;
      lost.hidden = false;
    }, 1200);
  }

  const noted = (act) => (frame) => {
    shown = new Date();
    return act?.(frame);
  };
  return connect(path, {
    ...options,
    onEvent: noted(options.onEvent),
    onDelta: noted(options.onDelta),
    onChanged: noted(options.onChanged),
    onResync: noted(options.onResync),
    onStatus(online) {
      if (online) say("live", words("connected"));
      else say("lost", words("reconnecting"), words("reconnectingSince", { time: clockTime(shown) }));
    },
    onDenied(code) {
      say("lost", words("notLive"), words(code === 4401 ? "signedOut" : "notYours"));
    },
  });
}

// Gathers what changed and asks once; while an answer is under way, changes wait for the next question.
export function gather(ask, wait = 60) {
  const changed = new Set();
  let timer = 0;
  let asking = false;
  async function flush() {
    timer = 0;
    if (asking) return;
    asking = true;
    const ids = [...changed];
    changed.clear();
    try {
      await ask(ids);
    } finally {
      asking = false;
      if (changed.size && !timer) timer = setTimeout(flush, wait);
    }
  }
  return (...ids) => {
    for (const id of ids) changed.add(id);
    timer ||= setTimeout(flush, wait);
  };
}

// News that could not be fetched must not be lost while the socket is fine.
export const askLater = (ask) => void setTimeout(ask, 2000);

// A question of the page's own that failed is asked again.
export function onFailure(again) {
  const later = ({ detail: { ctx } }) => {
    if ((ctx?.request?.method ?? "GET").toUpperCase() === "GET" && !(ctx?.response?.status < 500)) askLater(again);
  };
  for (const failure of ["htmx:error", "htmx:response:error"]) document.addEventListener(failure, later);
}

// A piece of a page, or nothing: then `again` is called later, unless it was refused.
export async function piece(address, again) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (again && (!answer || answer.status >= 500)) askLater(again);
  if (!answer?.ok) return null;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  return holder.content;
}
