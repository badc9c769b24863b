// The number of waiting requests in the rail, true on every page; the queue's own page keeps it by itself.
import { gather, live, piece } from "./live.js";
import { connect } from "./socket.js";

const link = document.querySelector(".rail [data-count]");
const { page } = document.body.dataset;

const refresh = gather(async () => {
  const news = await piece(link.dataset.count, () => refresh("*"));
  if (news) document.getElementById("pending-count").replaceWith(news.firstElementChild);
}, 150);

if (link && page !== "approvals") {
  // A page with a socket of its own says itself whether it is live.
  const open = ["overview", "runs", "run"].includes(page) ? connect : live;
  const tell = ({ ids = [] }) => {
    refresh("*");
    document.dispatchEvent(new CustomEvent("requests", { detail: { ids } }));
  };
  open("/ws/approvals", { onChanged: tell, onResync: tell });
}
