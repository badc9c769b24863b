// The server's time, whatever this machine's clock says.
const offset = Number(document.documentElement.dataset.now) - (performance.timeOrigin + performance.now());

export const now = () => Date.now() + (Number.isFinite(offset) ? offset : 0);
