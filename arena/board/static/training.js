// What was measured at the checkpoints of a training.
import { card, notice } from "./dom.js";
import { COLOURS, lines } from "./charts.js";

const GROUPS = [
  ["Elo above its first opponent", ["elo"], null],
  ["Share of moves that keep the outcome (weak) and are best (strong)", ["weak", "strong"], [0, 1]],
  ["Mean return of an episode", ["mean_return"], null],
];

// Gives the view of a training's points.
export function trainingView(doc) {
  if (doc.error) return notice("error", "Checkpoints cannot be read", doc.error);
  const clock = doc.points.some((p) => p.env_steps) ? "env_steps" : "episodes";
  const found = GROUPS.map(([title, names, y]) => {
    const series = names.map((name, k) => ({
      name, colour: COLOURS[k], dots: true,
      points: doc.points.filter((p) => p[name] !== undefined && p[clock] !== undefined).map((p) => [p[clock], p[name]]),
    })).filter((one) => one.points.length);
    if (!series.length) return null;
    const options = { height: 220, names: true, label: title, xLabel: clock === "env_steps" ? "steps of the env" : clock };
    return card(title, lines(series, y ? { ...options, y } : options));
  });
  return found.some(Boolean) ? found
    : notice("empty", "Nothing was measured yet", "Curves begin with the first checkpoint.");
}
