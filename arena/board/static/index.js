// Where TensorBoard begins: the tab, its address and its colours.
import { h } from "./dom.js";
import { mount } from "./app.js";
import { served } from "./source.js";

const PREFIX = "p.arena.";

// The address of TensorBoard's own page, such as #arena&p.arena.game=demo-1%2F12.
const address = {
  read() {
    const parts = host().location.hash.slice(1).split("&").filter((part) => part.startsWith(PREFIX));
    return Object.fromEntries(parts.map((part) => {
      const [name, ...rest] = part.slice(PREFIX.length).split("=");
      return [name, decodeURIComponent(rest.join("="))];
    }));
  },
  write(words) {
    const page = host();
    const kept = page.location.hash.slice(1).split("&").filter((part) => part && !part.startsWith(PREFIX));
    const given = Object.entries(words).filter(([, v]) => v !== undefined && v !== null)
      .map(([name, v]) => `${PREFIX}${name}=${encodeURIComponent(v)}`);
    const hash = `#${[...(kept.length ? kept : ["arena"]), ...given].join("&")}`;
    if (hash !== page.location.hash) page.history.replaceState(page.history.state, "", hash);
  },
};

function host() {
  return window.parent || window;
}

function followColours() {
  const outside = host().document.body;
  const follow = () => document.documentElement.classList.toggle("dark", outside.classList.contains("dark-mode"));
  new MutationObserver(follow).observe(outside, { attributes: true, attributeFilter: ["class"] });
  follow();
}

export async function render() {
  const base = new URL("../", import.meta.url);
  document.head.append(h("link", { rel: "stylesheet", href: new URL("static/style.css", base).href }));
  document.documentElement.lang = "en";
  document.title = "Arena";
  followColours();
  const root = h("div", { class: "arena" });
  document.body.append(root);
  await mount(root, served(base), address);
}
