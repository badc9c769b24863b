// A socket that stays: it reconnects with growing pauses, knows the last number it has seen, and notices silence.
//
//   const live = connect("/ws/runs/ID", { seq: 12, onEvent, onDelta, onResync, ... });   live.close();
//
// `seq` (a run) or `version` (a list): what the page was rendered with. All callbacks are optional:
//   onEvent(frame)    the next event of a run, each once and in order
//   onDelta(frame)    streamed text: {step, kind, text, tool, at}; transient, the step's event brings the whole.
//                     On opening, what the step has said so far comes again: cut off by `at` what you have
//   onChanged(frame)  a list changed: {list, ids, version}
//   onResync(frame)   something was missed: fetch the page's content anew. May return a promise
//   onStatus(online)  whether changes arrive at once; say so on the page when not
//   onDenied(code)    4401 signed out, 4403 no longer allowed, 4404 not there: it will not reconnect

import { correct } from "./clock.js";

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 15_000;
const SILENCE = 15_000; // three heartbeats
const FINAL = new Set([4400, 4401, 4403, 4404]);

export function connect(path, options = {}) {
  const socket = new LiveSocket(path, options);
  socket.open();
  return socket;
}

class LiveSocket {
  constructor(path, { seq = null, version = null, ...callbacks }) {
    this.path = path;
    this.seq = seq;
    this.version = version;
    this.callbacks = callbacks;
    this.pause = FIRST_PAUSE;
    this.online = null;
    this.closed = false;
    this.sooner = () => this.retryNow();
    window.addEventListener("online", this.sooner);
    document.addEventListener("visibilitychange", this.sooner);
  }

  open() {
    clearTimeout(this.retry);
    const url = new URL(this.path, window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.seq !== null) url.searchParams.set("after", this.seq);
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.addEventListener("message", (message) => {
      if (socket === this.socket) this.receive(JSON.parse(message.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
    this.listen();
  }

  close() {
    this.closed = true;
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    window.removeEventListener("online", this.sooner);
    document.removeEventListener("visibilitychange", this.sooner);
    this.drop();
  }

  receive(frame) {
    this.listen();
    this.pause = FIRST_PAUSE;
    if (frame.type === "status") return this.say(frame.live);
    if (this.online === null) this.say(true);
    if (frame.type === "event") return this.event(frame);
    if (frame.type === "delta") return this.call("onDelta", frame);
    if (frame.type === "changed") return this.changed(frame);
    if (frame.type === "resync") return this.resync(frame);
    if (frame.type === "heartbeat") return this.heartbeat(frame);
  }

  event(frame) {
    if (this.seq !== null && frame.seq <= this.seq) return;
    if (this.seq !== null && frame.seq > this.seq + 1) return this.reopen();
    this.seq = frame.seq;
    this.call("onEvent", frame);
  }

  changed(frame) {
    this.version = frame.version;
    this.call("onChanged", frame);
  }

  resync(frame) {
    if ("seq" in frame) this.seq = frame.seq;
    if ("version" in frame) this.version = frame.version;
    this.call("onResync", frame);
  }

  heartbeat(frame) {
    correct(frame.now);
    if ("seq" in frame) {
      if (this.seq === null) this.seq = frame.seq;
      else if (frame.seq > this.seq) this.reopen();
    } else if (frame.version !== this.version) {
      this.resync(frame); // also the first time, unless the page said which version it shows
    }
  }

  say(online) {
    if (online === this.online) return;
    this.online = online;
    this.call("onStatus", online);
  }

  lost(code) {
    clearTimeout(this.silence);
    if (this.closed) return;
    this.say(false);
    this.online = null; // the next first frame says how it is
    if (FINAL.has(code)) {
      this.close();
      return this.call("onDenied", code);
    }
    const wait = this.pause * (0.5 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    this.retry = setTimeout(() => this.open(), wait);
  }

  // Ask again from the last number: the server replays what came after it.
  reopen() {
    this.drop();
    this.open();
  }

  retryNow() {
    const waiting = !this.socket || this.socket.readyState === WebSocket.CLOSED;
    if (!this.closed && waiting && !document.hidden) this.open();
  }

  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.drop();
      this.lost(1006);
    }, SILENCE);
  }

  drop() {
    const socket = this.socket;
    this.socket = null; // its late messages and its close are not heeded any more
    socket?.close();
  }

  call(name, argument) {
    this.callbacks[name]?.(argument);
  }
}
