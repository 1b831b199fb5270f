// Where a report begins: the pages of the tab over data that the file holds.
import { h } from "./dom.js";
import { inflated } from "./film.js";
import { mount } from "./app.js";
import { winner } from "./games.js";

const address = {
  read() {
    return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  },
  write(words) {
    const given = Object.entries(words).filter(([, v]) => v !== undefined && v !== null);
    const hash = `#${new URLSearchParams(given)}`;
    if (hash !== location.hash) history.replaceState(null, "", hash);
  },
};

// Gives a source over the document of a report; what the list is narrowed by is done here.
export function inlined(document_) {
  const gone = { error: "This report does not hold it." };
  const run = (name) => document_.runs[name];
  const game = (name, number) => (run(name) && run(name).games[number]) || null;
  const answer = async (found) => found || gone;
  return {
    live: false,
    canAnalyse: false,
    runs: () => answer({ runs: Object.entries(document_.runs).map(([name, one]) => (
      { name, games: one.list.length, kind: "tournament" })) }),
    version: () => answer({ mark: "", runs: 0 }),
    ladder: (name, env) => answer(run(name)
      && (run(name).ladders.find((one) => one.env === env) || run(name).ladders[0])),
    training: (name) => answer(run(name) && run(name).training),
    games: (name, words) => answer({ games: run(name).list.filter((one) =>
      wanted(one, words, run(name).ladders)), more: false }),
    game: (name, number) => answer(game(name, number)),
    verdicts: (name, number) => answer({ verdicts: (game(name, number) || {}).verdicts || [], done: true }),
    film: (name, number) => answer((game(name, number) || {}).film),
    frames: (name, number, chunk) => answer(game(name, number).frames[chunk]),
    agents: () => answer({ agents: [] }),
    analyse: () => answer(null),
  };
}

function wanted(game, words, ladders) {
  const seat = game.agents.indexOf(words.player);
  if (words.env && game.env !== words.env) return false;
  if (words.player && seat < 0) return false;
  if (words.other && !game.agents.includes(words.other)) return false;
  if (words.least && game.length < Number(words.least)) return false;
  if (words.most && game.length > Number(words.most)) return false;
  if (words.faults && game.blame === null) return false;
  const who = winner(game);
  const outcome = who < 0 ? "drawn" : who === Math.max(seat, 0) ? "won" : "lost";
  if (words.outcome && outcome !== words.outcome) return false;
  return !words.upsets || upset(game, who, ladders);
}

function upset(game, who, ladders) {
  const ladder = ladders.find((one) => one.env === game.env);
  const elo = (name) => ladder.agents.find((agent) => agent.agent === name).elo;
  return who >= 0 && elo(game.agents[who]) < elo(game.agents[1 - who]) - 100;
}

function colours() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  root.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", () => root.classList.toggle("dark", dark.matches));
  return h("button", { type: "button", class: "quiet", on: { click: () => root.classList.toggle("dark") } },
    "Dark or light");
}

async function begin() {
  const text = document.getElementById("data").textContent;
  const data = JSON.parse(new TextDecoder().decode(await inflated(text)));
  const source = { ...inlined(data), switch: colours() };
  await mount(document.getElementById("arena"), source, address);
}

begin();
