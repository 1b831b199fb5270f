// The list of games, and what it is narrowed down by.
import { h, choice, labelled, notice, plain, replace, short } from "./dom.js";

const OUTCOMES = [["", "any outcome"], ["won", "won"], ["drawn", "drawn"], ["lost", "lost"]];

// Gives the view of a run's games.
//   source: where games come from; state: run, env, agents (names), solo, filters;
//   open(number): shows a game; changed(filters): told when somebody narrows the list.
export function gamesView(source, state, open, changed) {
  const rows = h("tbody", {});
  const foot = h("div", { class: "foot" });
  const filters = { ...state.filters };
  let asked = 0;
  const load = async (before) => {
    const mine = ++asked;
    const page = await source.games(state.run, { ...filters, env: state.env, before });
    if (mine !== asked) return;
    if (!before) rows.replaceChildren();
    if (page.error) return replace(foot, notice("error", "Games cannot be listed", page.error));
    for (const game of page.games) rows.append(row(game, state.solo, open));
    replace(foot, page.more
      ? h("button", { type: "button", class: "quiet", on: { click: () =>
        load(page.games[page.games.length - 1].number) } }, "Show older games")
      : rows.children.length ? null : none(filters));
  };
  const set = (name, value) => {
    if (value) filters[name] = value;
    else delete filters[name];
    changed(filters);
    load(0);
  };
  load(0);
  const head = state.solo ? ["#", "agent", "return", "steps", "ended"]
    : ["#", "first", "second", "result", "plies", "ended"];
  const box = h("section", { class: "card" },
    bar(state, filters, set),
    h("div", { class: "scroll" }, h("table", { class: "games" },
      h("caption", { class: "hidden" }, "Games"),
      h("thead", {}, h("tr", {}, head.map((text, k) => h("th",
        { scope: "col", class: ["first", "second", "agent", "ended"].includes(text) ? "left" : "" }, text)))),
      rows)),
    foot);
  box.refresh = () => rows.children.length <= 100 && load(0);
  return box;
}

function none(filters) {
  return Object.keys(filters).length
    ? notice("empty", "No game is like that", "Take a filter away to see more.")
    : notice("empty", "No games yet", "They appear here as soon as they are over.");
}

function bar(state, filters, set) {
  const everyone = [["", "every agent"], ...state.agents.map((name) => [name, name])];
  const number = (name, text) => labelled(text, h("input", {
    type: "number", min: 0, max: 100000, value: filters[name] || "", inputmode: "numeric",
    on: { change: (event) => set(name, event.target.value) },
  }));
  const box = (name, text) => h("label", { class: "check" }, h("input", {
    type: "checkbox", checked: Boolean(filters[name]),
    on: { change: (event) => set(name, event.target.checked ? 1 : "") },
  }), text);
  return h("div", { class: "filters" },
    labelled("player", choice(everyone, filters.player || "", (v) => set("player", v))),
    state.solo ? null : labelled("against", choice(everyone, filters.other || "", (v) => set("other", v))),
    state.solo ? null : labelled("outcome", choice(OUTCOMES, filters.outcome || "", (v) => set("outcome", v))),
    number("least", state.solo ? "steps from" : "plies from"), number("most", "to"),
    box("faults", "faults"), state.solo ? null : box("upsets", "upsets"));
}

function row(game, solo, open) {
  const label = `Open game ${game.number}: ${game.agents.join(" against ")}`;
  const ended = h("td", { class: `left ${game.blame === null ? "faint" : "bad"}` }, ending(game));
  const button = h("button", { class: "link", type: "button", "aria-label": label }, game.number);
  const cells = solo
    ? [h("td", { class: "left name" }, game.agents[0]),
      h("td", { class: "strong" }, game.returns ? plain(game.returns[0], 1) : "damaged")]
    : [side(game, 0), side(game, 1), h("td", { class: "strong" }, result(game))];
  return h("tr", { class: "opens", on: { click: () => open(game.number) } },
    h("td", {}, button), cells, h("td", {}, game.length), ended);
}

function side(game, seat) {
  const won = winner(game) === seat;
  return h("td", { class: `left name ${won ? "won" : ""}`, title: game.agents[seat] },
    h("span", { class: `disc side${seat}` }), short(game.agents[seat]));
}

// Gives the seat that won, -1 for a draw.
export function winner(game) {
  if (game.blame !== null) return 1 - game.blame;
  const [one, other] = game.returns || [0, 0];
  return one === other ? -1 : Number(other > one);
}

export function result(game) {
  if (!game.returns) return "damaged";
  const who = winner(game);
  return who < 0 ? "½ – ½" : who === 0 ? "1 – 0" : "0 – 1";
}

// Says how a game ended, in a word.
export function ending(game) {
  if (game.blame !== null) return `forfeit: ${game.termination}`;
  if (!game.returns) return "damaged";
  if (game.termination === "truncated") return "at the limit";
  return game.agents.length === 2 && winner(game) < 0 ? "board full" : "by the rules";
}
