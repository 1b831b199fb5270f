// A solo episode as pictures, with its score and what the player expected.
import { h, card, choice, labelled, notice, plain, replace } from "./dom.js";
import { lines } from "./charts.js";
import { analysePanel, bars, summary } from "./thoughts.js";
import { steps } from "./steps.js";

const FRAMES_A_SECOND = 15; // moments of a game that shows every fourth of 60 frames
const SPEEDS = [["0.5", "½ ×"], ["1", "1 ×"], ["2", "2 ×"], ["4", "4 ×"], ["8", "8 ×"]];

// Gives the pictures of a chunk: Uint8Array a picture, numbers of its palette.
export async function unpacked(chunk) {
  const bytes = await inflated(chunk.data);
  const size = chunk.width * chunk.height;
  const frames = [];
  for (let k = 0; k < chunk.frames; k++) {
    const frame = bytes.subarray(k * size, (k + 1) * size);
    if (k) {
      const before = frames[k - 1];
      for (let i = 0; i < size; i++) frame[i] ^= before[i];
    }
    frames.push(frame);
  }
  const colours = new Uint32Array(256);
  chunk.palette.forEach((rgb, k) => {
    colours[k] = 0xff000000 | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
  });
  return { ...chunk, frames, colours };
}

// Gives the bytes that zlib packed into a text in base64.
export async function inflated(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Gives the view of an episode. at: the place to begin at; moved(place): told where it is.
export function filmPlayer(game, source, { at, moved }) {
  const waiting = h("div", { class: "game" }, h("div", { class: "stage" },
    notice("loading", "Playing the episode again", "Its pictures are made from the recorded actions.")));
  source.film(game.run, game.number).then((about) => {
    if (about.error) return replace(waiting, notice("error", "This episode cannot be shown", about.error));
    const view = new FilmView(game, about, source, moved);
    waiting.key = (event) => view.bar.key(event);
    waiting.leave = () => view.bar.stop();
    replace(waiting, view.parts());
    view.go(at || 0);
  });
  waiting.key = () => false;
  waiting.leave = () => null;
  return waiting;
}

class FilmView {
  constructor(game, about, source, moved) {
    Object.assign(this, { game, about, source, moved });
    this.place = 0;
    this.chunks = new Map();
    this.answer = null;
    this.speed = "1";
    this.canvas = h("canvas", { class: "screen", width: 160, height: 210, role: "img", "aria-label": "The game's screen" });
    this.below = h("div", {});
    this.said = h("div", { class: "said" });
    this.bar = steps(about.length, {
      go: (place) => this.go(place), at: () => this.place, stride: 100,
      interval: () => 1000 / FRAMES_A_SECOND / Number(this.speed),
      jumps: { n: (place) => this.reward(place, 1), p: (place) => this.reward(place, -1) },
    });
    this.analyse = analysePanel(source, game.env,
      (agent, simulations) => source.analyse({ run: game.run, number: game.number, at: this.place, agent, simulations }),
      (answer) => this.told(answer), null);
  }

  parts() {
    const speed = labelled("speed", choice(SPEEDS, this.speed, (chosen) => {
      this.speed = chosen;
      this.bar.restart();
    }));
    const { about, game } = this;
    const wrong = about.difference
      ? notice("error", "It differs from its record", about.difference) : null;
    const score = lines([{ name: "score", colour: "var(--first)", points: thinned(about.returns) }], {
      height: 140, label: "Score over the episode", x: [0, about.length], seek: (x) => this.go(Math.round(x)),
    });
    const values = game.thoughts.map((t, k) => (t && t.value !== undefined ? [k, t.value] : null)).filter(Boolean);
    const expected = values.length ? lines([{ name: "value", colour: "var(--second)", points: values }], {
      height: 140, label: "What the player expects", x: [0, about.length], seek: (x) => this.go(Math.round(x)),
    }) : null;
    this.cursors = [score, expected].filter(Boolean);
    return [
      h("div", { class: "stage" }, h("div", { class: "heads" }, h("div", { class: "head won" },
        h("span", { class: "name", title: game.agents[0] }, game.agents[0])),
      h("span", { class: "score" }, plain(game.returns[0], 1))), this.canvas, this.bar,
      h("div", { class: "filters" }, speed),
      h("p", { class: "keys" }, "← → step, Page keys a hundred, n and p to the next and the last reward, space plays")),
      h("div", { class: "aside" }, wrong, h("section", { class: "card" }, this.said, this.below),
        card("Score", score),
        expected ? card("What the player expects of the rest", expected) : null, this.analyse)];
  }

  // Gives the place after the next reward, or before.
  reward(place, sign) {
    const { returns, length } = this.about;
    let at = place + sign;
    while (at > 0 && at < length && returns[at] === returns[at - 1]) at += sign;
    return at;
  }

  go(place) {
    this.place = Math.min(Math.max(place, 0), this.about.length);
    this.answer = null;
    this.moved(this.place);
    this.draw();
  }

  told(answer) {
    this.answer = answer && answer.thought ? answer : null;
    this.words();
  }

  draw() {
    this.words();
    this.bar.show(this.place);
    this.cursors.forEach((chart) => chart.setCursor(this.place));
    const number = Math.floor(this.place / this.about.chunk);
    const chunk = this.chunks.get(number);
    if (chunk && chunk.frames) {
      paint(this.canvas, chunk, this.place - number * this.about.chunk);
      if (this.place % this.about.chunk > this.about.chunk / 2) this.fetch(number + 1);
    } else {
      this.fetch(number).then(() => this.draw());
    }
  }

  fetch(number) {
    if (number * this.about.chunk > this.about.length) return Promise.resolve();
    if (!this.chunks.has(number)) {
      const coming = this.source.frames(this.game.run, this.game.number, number)
        .then(unpacked).then((chunk) => this.chunks.set(number, chunk));
      this.chunks.set(number, coming);
      for (const old of this.chunks.keys()) {
        if (this.chunks.size > 8 && Math.abs(old - number) > 2) this.chunks.delete(old);
      }
    }
    return Promise.resolve(this.chunks.get(number));
  }

  words() {
    const { about, game, place } = this;
    const action = game.actions[place];
    const thought = this.answer ? this.answer.thought : game.thoughts[place] || null;
    const lives = about.lives.some((n) => n > 0) ? `, ${about.lives[place]} lives` : "";
    replace(this.said,
      h("h2", {}, `score ${plain(about.returns[place] || 0, 1)}${lives}`),
      action === undefined ? h("p", { class: "faint" }, "The episode is over.")
        : h("p", {}, h("span", { class: "faint" }, "next action "), h("strong", {}, game.names[action])),
      this.answer ? h("p", {}, `${this.answer.agent} would play `, h("strong", {}, game.names[thought.action])) : null,
      thought ? summary(game.names, thought) : null);
    replace(this.below, thought && (thought.policy || thought.visits || thought.q)
      ? bars(game.names, thought, { seat: 0, chosen: this.answer ? thought.action : action, upright: false }) : null);
  }
}

// Points of a step curve, without those that change nothing.
function thinned(values) {
  const points = [];
  values.forEach((v, k) => {
    const edge = k === 0 || k === values.length - 1 || v !== values[k - 1];
    if (edge && k && v !== values[k - 1]) points.push([k, values[k - 1]]);
    if (edge) points.push([k, v]);
  });
  return points;
}

function paint(canvas, chunk, k) {
  if (canvas.width !== chunk.width || canvas.height !== chunk.height) {
    canvas.width = chunk.width;
    canvas.height = chunk.height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(chunk.width, chunk.height);
  const pixels = new Uint32Array(image.data.buffer);
  const frame = chunk.frames[k];
  for (let i = 0; i < pixels.length; i++) pixels[i] = chunk.colours[frame[i]];
  context.putImageData(image, 0, 0);
}
