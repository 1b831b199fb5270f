// Elements, and how numbers are written. Whatever comes from records enters as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  add(element, children);
  return element;
}

// Adds elements, texts and lists of them; what is null or false is left out.
export function add(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(element, child);
    else element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function h(tag, properties, ...children) {
  return filled(document.createElement(tag), properties, children);
}

export function s(tag, properties, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

export function replace(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

const MINUS = "\u2212";

export function signed(value, digits = 0) {
  const text = Math.abs(value).toFixed(digits);
  return `${Number(text) === 0 ? "" : value < 0 ? MINUS : "+"}${text}`;
}

export function plain(value, digits = 1) {
  const text = Math.abs(value).toFixed(digits).replace(/\.0+$/, "");
  return `${value < 0 && Number(text) !== 0 ? MINUS : ""}${text}`;
}

export function whole(value) {
  return Math.round(value).toLocaleString("en-US");
}

export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

// A name as short as it is still clear, for charts and tables; the whole one stands in a title.
export function short(name) {
  return name
    .replace(/^zoo\/(connectx-)?/, "")
    .replace(/^runs\//, "")
    .replace(/:(simulations|depth)=/, " ");
}

// A switch, field or list with the text that names it.
export function labelled(text, control) {
  return h("label", { class: "field" }, h("span", {}, text), control);
}

export function choice(options, chosen, onChange, properties) {
  const list = h(
    "select",
    { ...properties, on: { change: (event) => onChange(event.target.value) } },
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
  return list;
}

export function notice(kind, title, ...words) {
  return h("div", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" }, [
    h("strong", {}, title),
    words.length ? h("p", {}, ...words) : null,
  ]);
}

export function card(title, ...children) {
  return h("section", { class: "card" }, title ? h("h2", {}, title) : null, children);
}
