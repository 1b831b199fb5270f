// The ladder with its intervals, the crosstable as a heat map, and ratings as they came.
import { h, s, card, notice, percent, plain, short, signed, whole } from "./dom.js";
import { COLOURS, lines } from "./charts.js";

// Gives the view of a ladder document; open(filters) shows games.
export function ladderView(doc, open) {
  if (doc.error) return notice("error", "The ladder cannot be drawn", doc.error);
  if (!doc.agents.length) {
    return notice("empty", "No rated games yet",
      "The ladder appears with the first games. A tournament plays some: ",
      h("code", {}, "arena tournament demo"));
  }
  const warnings = [...(doc.warnings || []), doc.damage].filter(Boolean);
  return [
    card(null, heading(doc), table(doc, open), warnings.map((text) => h("p", { class: "warning" }, text))),
    doc.history.length > 1 ? card(doc.solo ? "Mean return, as episodes came in"
      : "Ratings, as games came in", history(doc)) : null,
    doc.agents.length > 1 ? card(doc.solo ? "Who has the higher return on equal seeds"
      : "Who scores how much against whom", crosstable(doc, open)) : null,
  ];
}

function heading(doc) {
  const what = doc.solo ? "episodes" : "games";
  return h("p", { class: "lead" }, `${whole(doc.games)} ${what} of ${doc.env}`,
    doc.first_move_elo ? `, moving first is worth ${signed(doc.first_move_elo)} Elo` : "");
}

function table(doc, open) {
  const span = range(doc.agents);
  const head = ["#", "agent", "Elo", "95 % interval", "", doc.solo ? "episodes" : "games",
    doc.solo ? "mean return" : "score", "faults"];
  return h("div", { class: "scroll" }, h("table", { class: "ladder" },
    h("caption", { class: "hidden" }, "Ladder"),
    h("thead", {}, h("tr", {}, head.map((text, k) => h("th",
      { scope: "col", class: k === 1 || k === 4 ? "left" : "" }, text || "rating")))),
    h("tbody", {}, doc.agents.map((agent, k) => h("tr", {},
      h("td", { class: "faint" }, k + 1),
      h("td", { class: "left name" }, h("button", {
        class: "link", type: "button", title: agent.agent,
        on: { click: () => open({ player: agent.agent }) },
      }, agent.agent)),
      h("td", { class: "strong" }, signed(agent.elo)),
      h("td", { class: "faint" }, uncertainty(agent)),
      h("td", { class: "range" }, interval(agent, span)),
      h("td", {}, whole(agent.games === undefined ? agent.episodes : doc.solo ? agent.episodes : agent.games)),
      h("td", {}, doc.solo ? plain(agent.mean_return, 1) : percent(agent.score)),
      h("td", { class: agent.faults ? "bad" : "faint" }, agent.faults || "·"),
    ))),
  ));
}

function uncertainty(agent) {
  if (agent.error95 !== null) return `± ${Math.round(agent.error95)}`;
  if (agent.bound_elo === null) return "not bounded";
  return `${agent.bound === "lower" ? "≥" : "≤"} ${signed(agent.bound_elo)}`;
}

function ends(agent) {
  if (agent.error95 !== null) return [agent.elo - agent.error95, agent.elo + agent.error95];
  const edge = agent.bound_elo === null ? agent.elo : agent.bound_elo;
  return [Math.min(edge, agent.elo), Math.max(edge, agent.elo)];
}

function range(agents) {
  const values = agents.flatMap(ends);
  const low = Math.min(...values);
  const high = Math.max(...values);
  return [low - 20, high + 20];
}

function interval(agent, [low, high]) {
  const x = (value) => 4 + (192 * (value - low)) / (high - low || 1);
  const [from, to] = ends(agent).map(x);
  const open = agent.error95 === null;
  const text = `${agent.agent}: ${signed(agent.elo)} Elo, ${uncertainty(agent)}`;
  return s("svg", { viewBox: "0 0 200 18", class: "interval", role: "img", "aria-label": text },
    s("line", { class: "axis", x1: 4, x2: 196, y1: 9, y2: 9 }),
    low < 0 && high > 0 ? s("line", { class: "axis", x1: x(0), x2: x(0), y1: 3, y2: 15 }) : null,
    s("line", { class: open ? "range open" : "range", x1: from, x2: to, y1: 9, y2: 9 }),
    s("circle", { class: open ? "point open" : "point", cx: x(agent.elo), cy: 9, r: 4 }),
  );
}

function history(doc) {
  const order = doc.agents.map((agent) => agent.agent);
  const series = order.map((name, k) => ({
    name: short(name),
    title: name,
    colour: COLOURS[k % COLOURS.length],
    points: doc.history.filter((p) => name in p.values).map((p) => [p.games, p.values[name]]),
  }));
  return lines(series, {
    height: Math.max(260, order.length * 15 + 60), names: true,
    yTicks: 6, xLabel: doc.solo ? "episodes" : "games", x: [0, doc.games],
    label: "Rating of every agent over the games played",
  });
}

function met(doc) {
  const found = new Map();
  const note = (one, other, points, games) => {
    const key = `${one}\n${other}`;
    const [p, g] = found.get(key) || [0, 0];
    found.set(key, [p + points, g + games]);
  };
  for (const row of doc.pairings) {
    const games = row.wins + row.draws + row.losses;
    note(row.first, row.second, row.wins + row.draws / 2, games);
    note(row.second, row.first, row.losses + row.draws / 2, games);
  }
  return found;
}

function crosstable(doc, open) {
  const names = doc.agents.map((agent) => agent.agent);
  const found = met(doc);
  const cell = (one, other) => {
    if (one === other) return h("td", { class: "self" });
    const [points, games] = found.get(`${one}\n${other}`) || [0, 0];
    if (!games) return h("td", { class: "unmet" }, "·");
    const share = points / games;
    const text = `${one} against ${other}: ${plain(points)} of ${games}`;
    return h("td", { class: "cell", style: { "--share": Math.abs(2 * share - 1).toFixed(3) },
      "data-side": share >= 0.5 ? "above" : "below" },
      h("button", { type: "button", title: text, "aria-label": text,
        on: { click: () => open({ player: one, other }) } }, Math.round(100 * share)));
  };
  return h("div", { class: "scroll" }, h("table", { class: "cross" },
    h("caption", { class: "hidden" }, "Crosstable, percent of points of the row"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "left" }, "percent"),
      names.map((name, k) => h("th", { scope: "col", title: name }, k + 1)))),
    h("tbody", {}, names.map((name, k) => h("tr", {},
      h("th", { scope: "row", class: "left", title: name }, h("span", { class: "faint" }, `${k + 1} `), short(name)),
      names.map((other) => cell(name, other))))),
  ));
}
