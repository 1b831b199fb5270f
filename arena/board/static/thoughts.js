// What a player thinks of a position: shares and values below the columns, a line, an answer.
import { h, choice, labelled, notice, percent, replace, signed } from "./dom.js";

// Gives bars of shares (visits, else the policy) and the value after each action.
//   names: what actions are called; thought; seat: whose; chosen: the action played; verdict: of
//   the solver, or null; upright: columns side by side, or rows.
export function bars(names, thought, { seat, chosen, verdict = null, upright = true }) {
  const shares = shareOf(thought);
  const q = (thought && thought.q) || [];
  const most = Math.max(...shares.map((v) => v || 0), 1e-9);
  return h("ol", { class: `thoughts ${upright ? "upright" : "flat"} side${seat}`,
    "aria-label": thought && thought.visits ? "Visits and values of every move" : "What is thought of every move" },
  names.map((name, k) => {
    const share = shares[k];
    const words = [`move ${name}`];
    if (share !== undefined) words.push(`${thought.visits ? `${thought.visits[k]} visits` : percent(share)}`);
    if (known(q[k])) words.push(`value ${signed(q[k], 2)}`);
    return h("li", { class: k === chosen ? "chosen" : "", title: words.join(", ") },
      h("span", { class: "rod" }, h("span", { style: { "--size": share ? (share / most).toFixed(3) : 0 } })),
      h("span", { class: "name" }, name),
      h("span", { class: "share" }, share === undefined ? "" : thought.visits ? thought.visits[k]
        : `${Math.round(100 * share)}%`),
      h("span", { class: "q" }, known(q[k]) ? signed(q[k], 2) : ""),
      verdict ? h("span", { class: `proof ${proof(verdict.q && verdict.q[k])[0]}` },
        proof(verdict.q && verdict.q[k])[1]) : null);
  }));
}

function known(value) {
  return value !== null && value !== undefined;
}

function shareOf(thought) {
  if (!thought) return [];
  if (thought.visits) {
    const sum = thought.visits.reduce((a, b) => a + b, 0) || 1;
    return thought.visits.map((n) => n / sum);
  }
  return thought.policy || [];
}

function proof(value) {
  if (!known(value)) return ["", ""];
  return value > 0 ? ["win", "wins"] : value < 0 ? ["loss", "loses"] : ["draw", "draws"];
}

// Gives what is said of a thought in words.
export function summary(names, thought) {
  if (!thought) return [h("p", { class: "faint" }, "This player says nothing of its moves.")];
  const line = (thought.line || []).map((action) => names[action]).join(" ");
  return [
    known(thought.value) ? h("p", {}, "expects ", h("strong", {}, signed(thought.value, 2)),
      h("span", { class: "faint" }, " for itself")) : null,
    line ? h("p", { class: "line" }, h("span", { class: "faint" }, "line "), line) : null,
    thought.failure ? h("p", { class: "bad" }, thought.failure) : null,
  ];
}

const MOST = 20000;

// Gives the panel where any agent is asked about the position that is shown.
//   source; env; ask(agent, simulations): promise of an answer; told(answer): shows it;
//   play: {label, pressed, toggle(agent, simulations)} or null
export function analysePanel(source, env, ask, told, play) {
  const out = h("div", { class: "answer", "aria-live": "polite" });
  const box = h("section", { class: "card analyse" }, h("h2", {}, "Ask an agent"));
  if (!source.canAnalyse) {
    box.append(h("p", { class: "faint" }, "Agents answer in the live tab: ", h("code", {}, "arena watch")));
    box.chosen = () => null;
    return box;
  }
  const simulations = h("input", { type: "number", min: 1, max: MOST, value: 200 });
  const field = labelled("simulations", simulations);
  let agents = [];
  let agent = "";
  const pick = (name) => {
    agent = name;
    const found = agents.find((one) => one.agent === name);
    field.hidden = !found || found.simulations === null;
    if (found && found.simulations !== null) simulations.value = found.simulations;
  };
  box.chosen = () => ({ agent, simulations: field.hidden ? 0
    : Math.min(Math.max(Math.round(Number(simulations.value)) || 1, 1), MOST) });
  const button = h("button", { type: "button", class: "main" }, "Analyse");
  button.addEventListener("click", async () => {
    const chosen = box.chosen();
    button.disabled = true;
    replace(out, h("p", { class: "faint" }, "thinking…"));
    const answer = await ask(chosen.agent, chosen.simulations);
    button.disabled = false;
    replace(out, said(answer));
    told(answer);
  });
  const list = h("div", { class: "filters" }, h("p", { class: "faint" }, "looking for agents…"));
  source.agents(env).then((found) => {
    agents = found.agents || [];
    if (!agents.length) {
      return replace(list, notice("empty", "Nobody here plays this", "Train somebody: ",
        h("code", {}, "arena train"), "."));
    }
    replace(list, labelled("agent", choice(agents.map((one) => [one.agent, one.name]),
      agents[0].agent, pick)), field, button, play ? playButton(play) : null);
    pick(agents[0].agent);
  });
  box.append(list, out);
  box.clear = () => out.replaceChildren();
  return box;
}

function playButton(play) {
  const button = h("button", { type: "button", class: "quiet", "aria-pressed": "false" }, play.label);
  button.addEventListener("click", () => {
    const on = play.toggle();
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Stop playing" : play.label;
  });
  play.reset = () => {
    button.setAttribute("aria-pressed", "false");
    button.textContent = play.label;
  };
  return button;
}

function said(answer) {
  if (answer.error || answer.absent) return notice("error", "No answer", answer.error || answer.absent);
  if (answer.over) return h("p", { class: "faint" }, "The game is over here.");
  return h("p", {}, h("strong", {}, answer.agent), h("span", { class: "faint" }, ` in ${answer.ms} ms`));
}
