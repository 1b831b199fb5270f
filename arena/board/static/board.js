// The board of Connect X: rules that a page needs, and how a position is drawn.
import { s } from "./dom.js";

// Gives the position after moves: cells[column] = seats from the bottom, to_play, line of a win.
export function position(size, moves) {
  const cells = Array.from({ length: size.columns }, () => []);
  moves.forEach((column, k) => cells[column].push(k % 2));
  const last = moves.length ? moves[moves.length - 1] : null;
  const won = last === null ? null : winning(size, cells, last);
  return { cells, last, won, toPlay: moves.length % 2, full: moves.length === size.columns * size.rows };
}

export function legal(size, at, column) {
  return !at.won && !at.full && at.cells[column].length < size.rows;
}

// Gives the cells [column, row] of a line that the last disc in a column makes, null without one.
function winning(size, cells, column) {
  const row = cells[column].length - 1;
  const seat = cells[column][row];
  const owns = (c, r) => c >= 0 && c < size.columns && r >= 0 && cells[c][r] === seat;
  for (const [dc, dr] of [[1, 0], [0, 1], [1, 1], [1, -1]]) {
    const line = [[column, row]];
    for (const sign of [1, -1]) {
      for (let k = 1; owns(column + sign * k * dc, row + sign * k * dr); k++) {
        line.push([column + sign * k * dc, row + sign * k * dr]);
      }
    }
    if (line.length >= size.inarow) return line;
  }
  return null;
}

// Gives the cells that a line of play would fill, with the number of each move in it.
export function ghosts(size, at, line) {
  const heights = at.cells.map((column) => column.length);
  const found = [];
  line.forEach((column, k) => {
    if (column < 0 || column >= size.columns || heights[column] >= size.rows) return;
    found.push({ column, row: heights[column]++, seat: (at.toPlay + k) % 2, number: k + 1 });
  });
  return found;
}

const UNIT = 60;

// Draws a position. shown: {line: expected moves, next: the move that is played next,
// onColumn(column): told where somebody clicks, or null}
export function drawBoard(size, at, shown) {
  const width = size.columns * UNIT;
  const height = size.rows * UNIT;
  const x = (column) => column * UNIT + UNIT / 2;
  const y = (row) => height - row * UNIT - UNIT / 2;
  const disc = (column, row, seat) => {
    const newest = column === at.last && row === at.cells[column].length - 1;
    return s("g", { class: `piece side${seat} ${newest ? "newest" : ""}` },
      s("circle", { cx: x(column), cy: y(row), r: 24 }),
      newest ? s("circle", { class: "ring", cx: x(column), cy: y(row), r: 8 }) : null);
  };
  const holes = [];
  for (let c = 0; c < size.columns; c++) {
    for (let r = 0; r < size.rows; r++) holes.push(s("circle", { class: "hole", cx: x(c), cy: y(r), r: 24 }));
  }
  const filled = at.cells.flatMap((column, c) => column.map((seat, r) => disc(c, r, seat)));
  const ghost = ghosts(size, at, shown.line || []).map((g) => s("g", { class: `ghost side${g.seat}` },
    s("circle", { cx: x(g.column), cy: y(g.row), r: 22 }),
    s("text", { x: x(g.column), y: y(g.row) + 6, "text-anchor": "middle" }, g.number)));
  const next = shown.next === null || shown.next === undefined ? null
    : s("circle", { class: `upcoming side${at.toPlay}`, cx: x(shown.next),
      cy: y(Math.min(at.cells[shown.next].length, size.rows - 1)), r: 26 });
  const won = at.won
    ? at.won.map(([c, r]) => s("circle", { class: "winning", cx: x(c), cy: y(r), r: 24 })) : null;
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "board", role: "img",
    "aria-label": spoken(size, at) },
  s("rect", { class: "plate", width, height, rx: 16 }), holes, filled, ghost, next, won,
  shown.onColumn ? clickable(size, at, shown.onColumn, height) : null);
}

function clickable(size, at, onColumn, height) {
  return at.cells.map((_, c) => (legal(size, at, c) ? s("rect", {
    class: "column", x: c * UNIT, y: 0, width: UNIT, height, rx: 12,
    on: { click: () => onColumn(c) },
  }) : null));
}

function spoken(size, at) {
  const sides = ["first", "second"];
  const columns = at.cells.map((column, c) => (column.length
    ? `column ${c + 1}: ${column.map((seat) => sides[seat]).join(", ")}` : null));
  return `Board, from the bottom of each column: ${columns.filter(Boolean).join("; ") || "empty"}`;
}
