// The page: which run, which view, and where in a game; all of it stands in the address.
import { h, choice, labelled, notice, replace, whole } from "./dom.js";
import { ladderView } from "./ladder.js";
import { gamesView } from "./games.js";
import { trainingView } from "./training.js";
import { boardPlayer } from "./player.js";
import { filmPlayer } from "./film.js";

const POLL_MS = 1000;
const CALM_MS = 250; // browsers let a page change its address a few times a second only
const VIEWS = [["ladder", "Ladder"], ["games", "Games"], ["training", "Training"]];

// Shows the page in an element.
//   source: see source.js; address: {read(): {game, at, run, view}, write(words)}
export function mount(root, source, address) {
  const app = new App(root, source, address);
  return app.begin().then(() => app);
}

class App {
  constructor(root, source, address) {
    Object.assign(this, { root, source, address });
    this.bar = h("header", { class: "bar" });
    this.main = h("main", { tabindex: -1 });
    this.state = { run: "", env: "", view: "ladder", filters: {}, number: 0, at: null };
    this.mark = null;
    this.doc = null;
    this.asked = 0;
    root.replaceChildren(this.bar, this.main);
    root.addEventListener("keydown", (event) => this.key(event));
  }

  async begin() {
    replace(this.main, notice("loading", "Looking at the runs"));
    const words = this.address.read();
    const [run, number] = split(words.game);
    Object.assign(this.state, { run: run || words.run || "", view: words.view || "ladder",
      number: Number(number) || 0, at: words.at === undefined ? null : Number(words.at) });
    await this.look();
    if (this.source.live) this.poll();
  }

  async look() {
    this.runs = await this.source.runs();
    if (this.runs.error) return replace(this.main, notice("error", "No answer", this.runs.error));
    if (!this.runs.runs.length) {
      Object.assign(this, { mark: "", count: 0 });
      return replace(this.main, notice("empty", "No runs yet", `Nothing was recorded in ${this.runs.root}. `,
        "A tournament of eleven players takes some minutes: ", h("code", {}, "arena tournament demo")));
    }
    const known = this.runs.runs.map((one) => one.name);
    if (!this.state.run || (!known.includes(this.state.run) && !this.state.number)) {
      const lively = this.runs.runs.find((one) => one.kind === "tournament" && one.games)
        || this.runs.runs.find((one) => one.games) || this.runs.runs[0];
      this.state.run = lively.name;
    }
    await this.enter();
  }

  // Reads what belongs to the run, then shows the view.
  async enter() {
    const [doc, training, version] = await Promise.all([this.source.ladder(this.state.run, this.state.env),
      this.source.training(this.state.run), this.source.version(this.state.run)]);
    Object.assign(this, { doc, training: training.points ? training : { points: [] }, mark: version.mark });
    this.count = version.runs;
    this.state.env = doc.env || "";
    this.head();
    await this.show();
  }

  head() {
    const { state } = this;
    const runs = this.runs.runs.map((one) => [one.name, `${one.name} (${whole(one.games)})`]);
    const envs = (this.doc.envs || []).map((env) => [env, env]);
    const views = VIEWS.filter(([name]) => name !== "training" || this.training.points.length);
    replace(this.bar, h("h1", {}, "Arena"),
      labelled("run", choice(runs, state.run, (run) => this.to({ run, env: "", number: 0, filters: {} }, true))),
      envs.length > 1 ? labelled("env", choice(envs, state.env, (env) =>
        this.to({ env, number: 0, filters: {} }, true))) : null,
      h("nav", { "aria-label": "Views" }, views.map(([name, text]) => h("button", {
        type: "button", "aria-current": !state.number && state.view === name ? "page" : null,
        on: { click: () => this.to({ view: name, number: 0, filters: {} }) },
      }, text))),
      this.source.live ? h("span", { class: "live", title: "New games appear by themselves" }, "live") : null,
      this.source.switch || null);
  }

  // Goes somewhere; anew: the run or the env is another one.
  async to(change, anew = false) {
    if (change.number === undefined || change.number !== this.state.number) this.state.at = null;
    Object.assign(this.state, change);
    if (anew) return this.enter();
    this.head();
    return this.show();
  }

  tell() {
    const { run, view, number, at } = this.state;
    this.address.write(number ? { game: `${run}/${number}`, at } : { run, view: view === "ladder" ? undefined : view });
  }

  walked(at) {
    this.state.at = at;
    clearTimeout(this.calm);
    this.calm = setTimeout(() => this.tell(), CALM_MS);
  }

  async show() {
    const { state } = this;
    clearTimeout(this.calm);
    this.tell();
    if (this.view && this.view.leave) this.view.leave();
    this.view = null;
    if (state.number) return this.showGame();
    if (state.view === "games") {
      const agents = (this.doc.agents || []).map((agent) => agent.agent);
      this.view = gamesView(this.source, { ...state, agents, solo: this.doc.solo },
        (number) => this.to({ number }), (filters) => { this.state.filters = { ...filters }; });
      return replace(this.main, this.view);
    }
    if (state.view === "training") return replace(this.main, trainingView(this.training));
    return replace(this.main, ladderView(this.doc, (filters) => this.to({ view: "games", filters })));
  }

  async showGame() {
    const { run, number } = this.state;
    const mine = ++this.asked;
    replace(this.main, notice("loading", `Opening game ${number}`));
    const game = await this.source.game(run, number);
    if (mine !== this.asked) return;
    const crumbs = this.crumbs(game);
    if (game.error || game.problem) {
      return replace(this.main, crumbs, notice("error", `Game ${number} of ${run} cannot be shown`,
        game.error || game.problem));
    }
    const how = { at: this.state.at, moved: (at) => this.walked(at) };
    this.view = (game.kind === "board" ? boardPlayer : filmPlayer)(game, this.source, how);
    replace(this.main, crumbs, this.view);
    this.main.focus({ preventScroll: true });
  }

  crumbs(game) {
    const beside = (number, text) => (number ? h("button", { type: "button", class: "quiet",
      on: { click: () => this.to({ number }) } }, text) : null);
    return h("div", { class: "crumbs" },
      h("button", { type: "button", class: "quiet", on: { click: () => this.to({ number: 0, view: "games" }) } },
        "All games"),
      h("h2", {}, `${this.state.run} / ${this.state.number}`),
      h("span", { class: "faint" }, game.env || "", game.rated === false ? ", not rated" : ""),
      h("span", { class: "space" }), beside(game.before, "Game before"), beside(game.after, "Game after"));
  }

  key(event) {
    if (event.key === "Escape" && this.state.number) this.to({ number: 0, view: "games" });
    else if (this.view && this.view.key) this.view.key(event);
  }

  poll() {
    setInterval(async () => {
      if (document.hidden || this.polling) return;
      this.polling = true;
      await this.refresh().finally(() => { this.polling = false; });
    }, POLL_MS);
  }

  async refresh() {
    const version = await this.source.version(this.state.run);
    this.bar.classList.toggle("gone", Boolean(version.gone));
    if (version.error || (version.mark === this.mark && version.runs === this.count)) return;
    if (!this.doc) return this.look();
    if (version.runs !== this.count) this.runs = await this.source.runs();
    Object.assign(this, { mark: version.mark, count: version.runs });
    const { run, env } = this.state;
    const [doc, training] = await Promise.all([this.source.ladder(run, env), this.source.training(run)]);
    if (run !== this.state.run || env !== this.state.env || doc.gone) return;
    const entry = this.runs.runs.find((one) => one.name === run);
    if (entry && doc.games > entry.games) entry.games = doc.games;
    Object.assign(this, { doc, training: training.points ? training : this.training });
    this.state.env = doc.env || "";
    if (this.view && this.view.refresh) this.view.refresh();
    else if (!this.state.number) this.show();
  }
}

function split(game) {
  const place = (game || "").lastIndexOf("/");
  return place < 0 ? ["", ""] : [game.slice(0, place), game.slice(place + 1)];
}
