// Walking through a game: buttons, a slider, keys.
import { h, s } from "./dom.js";

const SHAPES = {
  first: "M3 2v12h2V2zM14 2v12L6 8z", back: "M11 2v12L4 8z", play: "M4 2v12l9-6z",
  pause: "M4 2h3v12H4zM9 2h3v12H9z", forward: "M5 2v12l7-6z", last: "M11 2v12h2V2zM2 2v12l8-6z",
};

function icon(name) {
  return s("svg", { viewBox: "0 0 16 16", width: 13, height: 13, "aria-hidden": "true" },
    s("path", { d: SHAPES[name], fill: "currentColor" }));
}

// Gives the controls of a game of so many places.
//   go(place): told where to; at(): where it is; jumps: {key: place => place} more keys;
//   stride: places a page; interval(): milliseconds a place while it runs by itself.
export function steps(length, { go, at, jumps = {}, stride = 10, interval = () => 700 }) {
  let timer = null;
  const to = (place) => go(Math.min(Math.max(place, 0), length));
  const stop = () => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    play.replaceChildren(icon("play"));
    play.setAttribute("aria-label", "Play");
  };
  const tick = () => (at() >= length || !bar.isConnected ? stop() : to(at() + 1));
  const start = () => {
    if (at() >= length) to(0);
    timer = setInterval(tick, interval());
    play.replaceChildren(icon("pause"));
    play.setAttribute("aria-label", "Pause");
  };
  const button = (text, label, act) => h("button", {
    type: "button", "aria-label": label, title: label, on: { click: act },
  }, icon(text));
  const play = button("play", "Play", () => (timer === null ? start() : stop()));
  const slider = h("input", {
    type: "range", min: 0, max: length, value: 0, "aria-label": "Place in the game",
    on: { input: (event) => { stop(); to(Number(event.target.value)); } },
  });
  const count = h("output", { class: "count" }, "");
  const bar = h("div", { class: "steps", role: "group", "aria-label": "Steps" },
    button("first", "To the beginning (Home)", () => to(0)),
    button("back", "One back (left arrow)", () => to(at() - 1)),
    play,
    button("forward", "One forward (right arrow)", () => to(at() + 1)),
    button("last", "To the end (End)", () => to(length)),
    slider, count);
  const keys = {
    ArrowLeft: () => to(at() - 1), ArrowRight: () => to(at() + 1),
    PageUp: () => to(at() - stride), PageDown: () => to(at() + stride),
    Home: () => to(0), End: () => to(length), " ": () => (timer === null ? start() : stop()),
    ...Object.fromEntries(Object.entries(jumps).map(([key, jump]) => [key, () => to(jump(at()))])),
  };
  bar.key = (event) => {
    const busy = event.target.closest("select, input:not([type=range]), textarea")
      || (event.key === " " && event.target.closest("button"));
    if (busy || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return false;
    if (event.key !== " ") stop();
    event.preventDefault();
    keys[event.key]();
    return true;
  };
  bar.show = (place) => {
    slider.value = place;
    slider.setAttribute("aria-valuetext", `${place} of ${length}`);
    count.textContent = `${place} / ${length}`;
  };
  bar.restart = () => {
    if (timer !== null) {
      stop();
      start();
    }
  };
  bar.stop = stop;
  return bar;
}
