// A game on a board, move by move, with what both players thought and what the solver says.
import { h, card, notice, replace, short } from "./dom.js";
import { lines } from "./charts.js";
import { drawBoard, legal, position } from "./board.js";
import { analysePanel, bars, summary } from "./thoughts.js";
import { steps } from "./steps.js";
import { ending, result, winner } from "./games.js";

const SIDES = ["var(--first)", "var(--second)"];
const NOBODY = "var(--faint)";

// Gives the view of a game. at: the place to begin at; moved(place): told where it is.
export function boardPlayer(game, source, { at, moved }) {
  const view = new BoardView(game, source, moved);
  view.go(at === null ? game.opening.length : at);
  return view.element;
}

class BoardView {
  constructor(game, source, moved) {
    this.game = game;
    this.source = source;
    this.moved = moved;
    this.moves = [...game.opening, ...game.actions];
    this.place = 0;
    this.branch = null; // moves tried from a place: {from, moves}
    this.playing = false;
    this.answer = null;
    this.verdicts = [];
    this.board = h("div", { class: "boardbox" });
    this.below = h("div", {});
    this.said = h("div", { class: "said" });
    this.list = h("ol", { class: "moves", "aria-label": "Moves" });
    this.chart = h("div", {});
    this.bar = steps(this.moves.length, { go: (place) => this.go(place), at: () => this.place });
    this.play = { label: "Play on from here", toggle: () => this.togglePlay() };
    this.analyse = analysePanel(source, game.env,
      (agent, simulations) => this.ask(this.shown(), agent, simulations),
      (answer) => this.told(answer), this.play);
    this.element = this.built();
    this.element.key = (event) => this.key(event);
    this.element.leave = () => this.bar.stop();
    this.drawList();
    this.drawChart();
    if (game.env === "connectx") this.askSolver();
  }

  built() {
    const { game } = this;
    const problem = game.thoughts_problem
      ? notice("error", "Its thoughts cannot be read", game.thoughts_problem) : null;
    return h("div", { class: "game" },
      h("div", { class: "stage" }, this.heads(), this.board, this.below, this.bar,
        h("p", { class: "keys" }, "← → step, Home End, space plays; digits try a column")),
      h("div", { class: "aside" }, problem, h("section", { class: "card" }, this.said),
        card("Expected result over the game", this.chart),
        card("Moves", this.list), this.analyse));
  }

  heads() {
    const { game } = this;
    const head = (seat) => h("div", { class: `head ${winner(game) === seat ? "won" : ""}` },
      h("span", { class: `disc side${seat}` }), h("span", { class: "name", title: game.agents[seat] }, short(game.agents[seat])));
    const fault = game.fault ? h("details", { class: "fault" }, h("summary", {}, "what happened"),
      h("pre", {}, game.fault)) : null;
    return [h("div", { class: "heads" }, head(0),
      h("span", { class: "score", title: ending(game) }, result(game)), head(1)),
    game.blame === null ? null : h("p", { class: "bad" },
      `${game.agents[game.blame]} forfeits (${game.termination})`), fault];
  }

  shown() {
    return this.branch ? [...this.moves.slice(0, this.branch.from), ...this.branch.moves]
      : this.moves.slice(0, this.place);
  }

  // The thought before the move that follows, where it was recorded.
  thought() {
    if (this.branch) return null;
    return this.game.thoughts[this.place - this.game.opening.length] || null;
  }

  verdict() {
    return this.branch ? null : this.verdicts[this.place - this.game.opening.length] || null;
  }

  go(place) {
    this.branch = null;
    this.answer = null;
    this.analyse.clear && this.analyse.clear();
    if (this.playing) this.endPlay();
    this.place = Math.min(Math.max(place, 0), this.moves.length);
    this.moved(this.place);
    this.draw();
  }

  draw() {
    const moves = this.shown();
    const at = position(this.game, moves);
    const next = this.branch ? null : this.moves[this.place];
    const thought = this.answer ? this.answer.thought : this.thought();
    const line = thought ? thought.line || [thought.action].filter((a) => a !== undefined) : [];
    replace(this.board, drawBoard(this.game, at, {
      line: at.won ? [] : line, next: this.answer || this.branch ? null : next,
      onColumn: this.source.canAnalyse ? (column) => this.tried(column) : null,
    }));
    replace(this.below, bars(this.game.names, thought, {
      seat: at.toPlay, chosen: this.answer ? thought && thought.action : next, verdict: this.verdict(),
    }));
    replace(this.said, this.words(at, thought));
    this.bar.show(this.place);
    this.cursor && this.cursor.setCursor(this.place);
    [...this.list.children].forEach((item, k) => {
      item.toggleAttribute("data-now", k === this.place - 1);
      if (k === this.place - 1) keepSeen(this.list, item);
    });
  }

  words(at, thought) {
    if (this.branch) return this.branchWords(at, thought);
    const k = this.place - this.game.opening.length;
    if (this.place === this.moves.length) {
      const who = winner(this.game);
      return [h("h2", {}, who < 0 ? "A draw" : `${this.game.agents[who]} wins`),
        h("p", { class: "faint" }, ending(this.game))];
    }
    const name = this.game.names[this.moves[this.place]];
    if (k < 0) return [h("h2", {}, "The opening"), h("p", { class: "faint" }, `Move ${this.place + 1} is given: column ${name}.`)];
    const who = this.answer ? this.answer.agent : this.game.agents[at.toPlay];
    return [
      h("h2", {}, h("span", { class: `disc side${at.toPlay}` }), who),
      this.answer ? null : h("p", {}, `plays column ${name}`, this.mark(k)),
      summary(this.game.names, thought),
      this.solverWords(),
    ];
  }

  branchWords(at, thought) {
    const own = this.branch.moves.map((action) => this.game.names[action]).join(" ");
    const state = at.won ? `${at.toPlay === 1 ? "First" : "Second"} has won.` : at.full ? "A draw."
      : this.playing && at.toPlay === this.human ? "Your move: click a column, or type its digit."
        : "";
    return [h("h2", {}, h("span", { class: `disc side${at.toPlay}` }), this.playing ? "You play on" : "Another way"),
      h("p", { class: "line" }, h("span", { class: "faint" }, `after move ${this.branch.from} `), own),
      state ? h("p", {}, h("strong", {}, state)) : null,
      this.answer ? summary(this.game.names, thought) : null,
      h("button", { type: "button", class: "quiet", on: { click: () => this.go(this.branch.from) } },
        "Back to the game")];
  }

  solverWords() {
    const verdict = this.verdict();
    if (!verdict || verdict.value === null || verdict.value === undefined) return null;
    const word = verdict.value > 0 ? "a win" : verdict.value < 0 ? "a loss" : "a draw";
    return h("p", { class: "faint" }, `The solver: ${word} for who is to move.`);
  }

  // Gives the sign of a blunder: the outcome that the played move k gives away.
  mark(k) {
    const before = value(this.verdicts[k]);
    const after = this.after(k);
    if (before === null || after === null || after >= before) return null;
    const words = before > 0 ? (after < 0 ? "gives a win away and loses" : "gives a win away") : "gives a draw away";
    return h("span", { class: "blundered", title: words }, after < 0 ? " ??" : " ?");
  }

  // The solver's value for the mover after his move k.
  after(k) {
    if (k + 1 < this.verdicts.length) {
      const next = value(this.verdicts[k + 1]);
      return next === null ? null : -next;
    }
    if (k !== this.game.actions.length - 1 || this.game.blame !== null) return null;
    const who = winner(this.game);
    return who < 0 ? 0 : who === (this.game.opening.length + k) % 2 ? 1 : -1;
  }

  async askSolver() {
    for (let tries = 0; tries < 20; tries++) {
      const found = await this.source.verdicts(this.game.run, this.game.number);
      if (!this.element.isConnected && tries) return;
      this.verdicts = found.verdicts || [];
      this.drawList();
      this.drawChart();
      this.draw();
      if (found.error || found.done) return;
    }
  }

  drawList() {
    const opening = this.game.opening.length;
    replace(this.list, this.moves.map((action, k) => h("li", {}, h("button", {
      type: "button", class: `side${k % 2} ${k < opening ? "given" : ""}`,
      "aria-label": `Move ${k + 1}, column ${this.game.names[action]}`,
      on: { click: () => this.go(k + 1) },
    }, h("span", { class: "faint" }, k + 1), this.game.names[action], k < opening ? null : this.mark(k - opening)))));
  }

  drawChart() {
    const opening = this.game.opening.length;
    const sign = (k) => ((opening + k) % 2 === 0 ? 1 : -1);
    const series = [0, 1].map((seat) => ({
      name: this.game.agents[seat], colour: SIDES[seat], dots: true,
      points: this.game.thoughts.map((t, k) => (t && t.value !== undefined && (opening + k) % 2 === seat
        ? [opening + k, t.value * sign(k)] : null)).filter(Boolean),
    }));
    const bands = this.verdicts.map((v, k) => ({ from: opening + k, to: opening + k + 1, v: value(v), k }))
      .filter((band) => band.v !== null)
      .map((band) => ({ ...band, colour: band.v === 0 ? NOBODY : SIDES[band.v * sign(band.k) > 0 ? 0 : 1] }));
    if (!series.some((one) => one.points.length) && !bands.length) {
      this.cursor = null;
      return replace(this.chart, h("p", { class: "faint" }, "Neither player said what it expects."));
    }
    this.cursor = lines(series, {
      height: 170, x: [0, this.moves.length], y: [-1.08, 1.08], bands, yTicks: 2,
      label: "What both players expect, seen by who moved first", seek: (x) => this.go(Math.round(x)),
    });
    this.cursor.setCursor(this.place);
    replace(this.chart, this.cursor, h("p", { class: "legend" }, "up: first wins, down: second wins",
      bands.length ? "; the strip below is the solver's verdict" : ""));
  }

  async ask(moves, agent, simulations) {
    return this.source.analyse({ env: this.game.env, moves: written(moves), agent, simulations });
  }

  told(answer) {
    this.answer = answer && answer.thought ? answer : null;
    this.draw();
  }

  tried(column) {
    const at = position(this.game, this.shown());
    if (!legal(this.game, at, column)) return;
    if (this.playing && at.toPlay !== this.human) return;
    this.bar.stop();
    if (!this.branch) this.branch = { from: this.place, moves: [] };
    this.branch.moves.push(column);
    this.answer = null;
    this.draw();
    if (this.playing) this.reply();
  }

  togglePlay() {
    if (this.playing) {
      this.endPlay();
      this.draw();
      return false;
    }
    this.playing = true;
    if (!this.branch) this.branch = { from: this.place, moves: [] };
    this.human = position(this.game, this.shown()).toPlay;
    this.answer = null;
    this.draw();
    return true;
  }

  endPlay() {
    this.playing = false;
    this.play.reset && this.play.reset();
  }

  async reply() {
    const { agent, simulations } = this.analyse.chosen();
    const branch = this.branch;
    const moves = this.shown();
    if (position(this.game, moves).won || position(this.game, moves).full) return;
    const answer = await this.ask(moves, agent, simulations);
    if (branch !== this.branch || !this.playing) return;
    if (!answer.thought) {
      replace(this.said, notice("error", "The agent cannot play on", answer.absent || answer.error || ""));
      return;
    }
    branch.moves.push(answer.thought.action);
    this.draw();
  }

  key(event) {
    const column = event.key >= "1" && event.key <= "9" ? Number(event.key) - 1 : -1;
    const field = event.target.closest("select, input:not([type=range])");
    if (column >= 0 && !field && this.source.canAnalyse && column < this.game.columns) {
      this.tried(column);
      return true;
    }
    return this.bar.key(event);
  }
}

function value(verdict) {
  return verdict && verdict.value !== undefined ? verdict.value : null;
}

function keepSeen(list, item) {
  const top = item.offsetTop - list.offsetTop;
  if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - 30) list.scrollTop = top - 60;
}

// Moves as people write them: columns from 1.
export function written(moves) {
  const names = moves.map((action) => String(action + 1));
  return names.some((name) => name.length > 1) ? names.join(",") : names.join("");
}
