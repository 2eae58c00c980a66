// Asks the console for a page's data every five seconds while the page is looked at, and tells how that goes.
import { element, keyed, setText } from "./dom.js";
import { time } from "./numbers.js";

const EVERY_MS = 5000;
const GIVE_UP_MS = 20000;

const state = { range: "", heard: null, states: null, running: null, timer: 0 };

function storedRange() {
  const asked = new URLSearchParams(location.search).get("range");
  if (asked !== null) return asked;
  try { return sessionStorage.getItem("range") ?? ""; } catch { return ""; }
}

// `show` draws what came; `missing` is called when there is no such thing.
export function follow(url, show, missing) {
  state.range = storedRange();
  const ask = () => refresh(url, show, missing);
  for (const button of document.querySelectorAll("#ranges button")) {
    button.addEventListener("click", () => {
      state.range = button.dataset.range;
      try { sessionStorage.setItem("range", state.range); } catch { /* then it lasts for this page only */ }
      press();
      ask();
    });
  }
  press();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(state.timer);
      pulse("paused", "paused");
    } else {
      ask();
    }
  });
  ask();
}

function press() {
  for (const button of document.querySelectorAll("#ranges button")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === state.range));
  }
}

async function refresh(url, show, missing) {
  clearTimeout(state.timer);
  state.running?.abort();
  const running = new AbortController();
  state.running = running;
  const tooLong = setTimeout(() => running.abort("slow"), GIVE_UP_MS);
  try {
    const address = new URL(url, location.href);
    if (state.range) address.searchParams.set("range", state.range);
    const answer = await fetch(address, { signal: running.signal, headers: { Accept: "application/json" } });
    const data = await answer.json();
    if (answer.ok) {
      state.heard = Date.now();
      await show(data);
      settled(data);
    } else if (answer.status === 404) {
      missing?.(data.error);
      pulse("live", "connected");
      hideBanner();
    } else {
      lost(data.error);
    }
  } catch (error) {
    if (running.signal.aborted && running.signal.reason !== "slow") return;
    if (error instanceof TypeError || error instanceof SyntaxError || running.signal.aborted) {
      lost({ problem: "The console itself does not answer", remedy: "Start it with `kit console`." });
    } else {
      throw error;
    }
  } finally {
    clearTimeout(tooLong);
    if (state.running === running && !document.hidden) {
      state.timer = setTimeout(() => refresh(url, show, missing), EVERY_MS);
    }
  }
}

function settled(data) {
  hideBanner();
  pulse("live", time(state.heard));
  keyed(
    document.getElementById("tabs"), data.names, (name) => name,
    (name) => {
      const link = element("a", { text: name, href: `/dashboards/${encodeURIComponent(name)}` });
      if (document.body.dataset.page === "dashboard" && document.body.dataset.name === name) {
        link.setAttribute("aria-current", "page");
      }
      return link;
    },
    () => {},
  );
  announce(data.states);
  const firing = data.counts.ALARM;
  const plain = document.title.replace(/^\(\d+\) /, "");
  document.title = firing ? `(${firing}) ${plain}` : plain;
  const icon = document.getElementById("icon");
  const wanted = firing ? "/static/icon-alarm.svg" : "/static/icon.svg";
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}

function announce(states) {
  if (state.states) {
    const changed = Object.entries(states).filter(([name, now]) => (state.states[name] ?? now) !== now);
    const words = changed.map(([name, now]) => `${name} is now ${now.replace("_", " ")}`);
    if (words.length) setText(document.getElementById("announce"), words.join(". "));
  }
  state.states = states;
}

function lost(error) {
  const banner = document.getElementById("banner");
  const since = state.heard ? ` What you see was heard at ${time(state.heard)}.` : "";
  const where = error.where ? `${error.where}: ` : "";
  const remedy = error.remedy ? ` ${error.remedy}` : "";
  banner.hidden = false;
  setText(banner, `${where}${error.problem.replace(/\.$/, "")}.${remedy}${since} Still trying.`);
  document.body.classList.add("stale");
  pulse("lost", state.heard ? `last ${time(state.heard)}` : "no answer");
}

function hideBanner() {
  document.getElementById("banner").hidden = true;
  document.body.classList.remove("stale");
}

function pulse(now, words) {
  const node = document.getElementById("pulse");
  node.dataset.state = now;
  setText(node.lastElementChild, words);
  node.title = { live: "Last updated", paused: "Paused while the tab is hidden", lost: "No answer" }[now] ?? "";
}
