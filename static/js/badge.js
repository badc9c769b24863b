// The number of waiting requests in the rail, true on every page; the queue's own page keeps it by itself.
import { askLater, gather, live } from "./live.js";
import { connect } from "./socket.js";

const link = document.querySelector(".rail [data-count]");
const { page } = document.body.dataset;

const refresh = gather(async () => {
  const answer = await fetch(link.dataset.count, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer || answer.status >= 500) return askLater(() => refresh("*"));
  if (!answer.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  document.getElementById("pending-count").replaceWith(holder.content.firstElementChild);
}, 150);

if (link && page !== "approvals") {
  // A page with a socket of its own says itself whether it is live.
  const open = ["overview", "runs", "run"].includes(page) ? connect : live;
  open("/ws/approvals", { onChanged: () => refresh("*"), onResync: () => refresh("*") });
}
