// The server's time, whatever this machine's clock says.
let offset = Number(document.documentElement.dataset.now) - (performance.timeOrigin + performance.now());

export const now = () => Date.now() + (Number.isFinite(offset) ? offset : 0);

// A page from the browser's cache says an old time, and a clock may be set right meanwhile.
export function correct(time) {
  if (!(Math.abs(time - now()) < 2000)) offset = time - Date.now();
}
