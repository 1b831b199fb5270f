// Curves as SVG that is drawn for the width there is, so that letters keep their size.
import { h, s, plain } from "./dom.js";

export const COLOURS = [
  "#0072b2", "#d55e00", "#009e73", "#b6529a", "#b58400", "#3a9bd9",
  "#7a5cc0", "#8a5a3c", "#6f7b45", "#c0405a", "#4d7c8a", "#808080",
];

// Gives an element that calls draw(width) for its content whenever its width changes.
export function responsive(draw, label) {
  const box = h("div", { class: "chart", role: "img", "aria-label": label });
  let width = 0;
  const redraw = () => {
    if (width) box.replaceChildren(draw(width));
  };
  new ResizeObserver((entries) => {
    const found = Math.floor(entries[0].contentRect.width);
    if (found && found !== width) {
      width = found;
      redraw();
    }
  }).observe(box);
  box.redraw = redraw;
  return box;
}

export function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((n) => n * unit >= rough) * unit;
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9; k++) found.push(k * step);
  return found;
}

// Moves labels apart so that none covers another; gives their heights.
export function spread(heights, gap, top, bottom) {
  const order = heights.map((y, k) => [y, k]).sort((a, b) => a[0] - b[0]);
  const placed = [];
  let last = top - gap;
  for (const [y, k] of order) {
    last = Math.max(y, last + gap);
    placed.push([last, k]);
  }
  let limit = bottom;
  for (const entry of placed.reverse()) {
    entry[0] = Math.min(entry[0], limit);
    limit = entry[0] - gap;
  }
  const out = [];
  for (const [y, k] of placed) out[k] = y;
  return out;
}

// Curves over a common axis.
//   series: [{name, title, colour, points: [[x, y]], dashed, dots}]
//   options: height, label, xLabel, y: [low, high], x: [low, high], names (written at the right end),
//   seek(x): told where somebody clicked; bands: [{from, to, colour}] along the bottom;
//   marks: [{x, y, text}]
export function lines(series, options) {
  const { height = 240, names = false } = options;
  let cursor = null;
  let follow = () => null;
  const all = series.flatMap((one) => one.points);
  const xs = options.x || [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))];
  const ys = options.y || padded(all.map((p) => p[1]));
  const box = responsive((width) => {
    const right = names ? Math.min(170, width * 0.28) : options.xLabel ? 74 : 12;
    const area = { left: 44, right: width - right, top: 10, bottom: height - 28 };
    const x = (v) => area.left + ((v - xs[0]) / (xs[1] - xs[0] || 1)) * (area.right - area.left);
    const y = (v) => area.bottom - ((v - ys[0]) / (ys[1] - ys[0] || 1)) * (area.bottom - area.top);
    const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
      grid(area, x, y, xs, ys, options),
      (options.bands || []).map((band) => s("rect", {
        x: x(band.from), y: area.bottom - 5, width: Math.max(x(band.to) - x(band.from), 0),
        height: 5, fill: band.colour,
      })),
      series.map((one) => curve(one, x, y)),
      (options.marks || []).map((mark) => s("g", { class: "blunder" },
        s("circle", { cx: x(mark.x), cy: y(mark.y), r: 4 }), s("title", {}, mark.text))),
      names ? endings(series, x, y, area) : null,
    );
    const line = s("line", { class: "cursor", y1: area.top, y2: area.bottom });
    follow = () => {
      if (cursor === null) return;
      line.setAttribute("x1", x(cursor));
      line.setAttribute("x2", x(cursor));
      if (!line.isConnected) svg.append(line);
    };
    follow();
    if (options.seek) seeking(svg, area, xs, options.seek);
    return svg;
  }, options.label);
  box.setCursor = (value) => {
    cursor = value;
    follow();
  };
  return box;
}

function padded(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = (high - low || 1) * 0.06;
  return [low - pad, high + pad];
}

function grid(area, x, y, xs, ys, options) {
  const across = ticks(ys[0], ys[1], options.yTicks || 4).map((v) => [
    s("line", { class: "grid", x1: area.left, x2: area.right, y1: y(v), y2: y(v) }),
    s("text", { class: "tick", x: area.left - 8, y: y(v) + 4, "text-anchor": "end" }, plain(v, 1)),
  ]);
  const along = ticks(xs[0], xs[1], Math.max(Math.floor((area.right - area.left) / 110), 2))
    .map((v) => s("text", { class: "tick", x: x(v), y: area.bottom + 17, "text-anchor": "middle" },
      brief(v)));
  const label = options.xLabel
    ? s("text", { class: "tick", x: area.right + 24, y: area.bottom + 17 }, options.xLabel)
    : null;
  return [across, along, label];
}

function brief(value) {
  if (value >= 1e6) return `${plain(value / 1e6, 1)}M`;
  return value >= 1e4 ? `${plain(value / 1e3, 1)}k` : plain(value, 1);
}

function curve(one, x, y) {
  const points = one.points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`);
  return s("g", {},
    s("polyline", {
      points: points.join(" "), fill: "none", stroke: one.colour, "stroke-width": 1.8,
      "stroke-linejoin": "round", "stroke-dasharray": one.dashed ? "4 3" : null,
    }),
    one.dots || one.points.length === 1
      ? one.points.map(([a, b]) => s("circle", { cx: x(a), cy: y(b), r: 2.4, fill: one.colour }))
      : null,
    s("title", {}, one.title || one.name),
  );
}

function endings(series, x, y, area) {
  const shown = series.filter((one) => one.points.length);
  const ends = shown.map((one) => one.points[one.points.length - 1]);
  const heights = spread(ends.map((p) => y(p[1])), 14, area.top + 4, area.bottom);
  return shown.map((one, k) => [
    s("path", {
      d: `M${x(ends[k][0])},${y(ends[k][1])}L${area.right + 10},${heights[k]}`,
      stroke: one.colour, "stroke-width": 0.8, fill: "none", opacity: 0.5,
    }),
    s("text", { class: "ending", x: area.right + 14, y: heights[k] + 4, fill: one.colour },
      one.name, s("title", {}, one.title || one.name)),
  ]);
}

function seeking(svg, area, xs, seek) {
  const to = (event) => {
    const share = (event.offsetX - area.left) / (area.right - area.left);
    seek(xs[0] + Math.min(Math.max(share, 0), 1) * (xs[1] - xs[0]));
  };
  svg.classList.add("seek");
  svg.addEventListener("pointerdown", to);
  svg.addEventListener("pointermove", (event) => event.buttons && to(event));
}
