// Where a page gets its documents from: the routes of the tab.

// Gives a source that asks the server below a URL.
export function served(base) {
  const ask = async (name, words) => {
    const given = Object.entries(words).filter(([, v]) => v !== undefined && v !== null && v !== "");
    const query = new URLSearchParams(given.map(([k, v]) => [k, String(v)]));
    try {
      const answer = await fetch(new URL(`${name}?${query}`, base));
      return await answer.json();
    } catch (error) {
      return { error: "The server does not answer; start it again with `arena watch`.", gone: true };
    }
  };
  return {
    live: true,
    canAnalyse: true,
    runs: () => ask("runs", {}),
    version: (run) => ask("version", { run }),
    ladder: (run, env) => ask("ladder", { run, env }),
    training: (run) => ask("training", { run }),
    games: (run, filters) => ask("games", { run, ...filters }),
    game: (run, number) => ask("game", { run, number }),
    verdicts: (run, number) => ask("verdicts", { run, number }),
    film: (run, number) => ask("film", { run, number }),
    frames: (run, number, chunk) => ask("frames", { run, number, chunk }),
    agents: (env) => ask("agents", { env }),
    analyse: (words) => ask("analyse", words),
  };
}
