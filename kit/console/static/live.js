// Asks the console for a page's data every few seconds while the page is looked at, and tells how that goes.
import { element, keyed, setText } from "./dom.js";
import { time } from "./numbers.js";

const EVERY_MS = Number(document.body.dataset.refresh);
const GIVE_UP_MS = 20000;

const state = { range: "", heard: null, states: null, running: null, timer: 0, again: () => {} };

// What is chosen in the address for the dashboards' variables; dashboards that share a variable share the choice.
function choices() {
  return [...new URLSearchParams(location.search)].filter(([key]) => key.startsWith("var-"));
}

// Put a choice into the address and draw anew; nothing chosen takes it out.
export function choose(key, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(key, value);
  else address.searchParams.delete(key);
  history.pushState(null, "", address);
  state.again();
}

// Ask now instead of in a few seconds: something was changed here.
export function askAgain() {
  state.again();
}

function storedRange() {
  const asked = new URLSearchParams(location.search).get("range");
  if (asked !== null) return asked;
  try { return sessionStorage.getItem("range") ?? ""; } catch { return ""; }
}

// `show` draws what came; `missing` is called when there is no such thing.
export function follow(url, show, missing) {
  state.range = storedRange();
  const again = () => refresh(url, show, missing);
  state.again = again;
  addEventListener("popstate", () => {
    state.range = storedRange();
    press();
    again();
  });
  for (const button of document.querySelectorAll("#ranges button")) {
    button.addEventListener("click", () => {
      state.range = button.dataset.range;
      try { sessionStorage.setItem("range", state.range); } catch { /* then it lasts for this page only */ }
      press();
      choose("range", state.range);
    });
  }
  press();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(state.timer);
      pulse("paused", "paused");
    } else {
      again();
    }
  });
  again();
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
    const answer = await ask(url, running.signal);
    if (running.signal.aborted && running.signal.reason !== "slow") return;
    if (answer.status === 200) {
      state.heard = Date.now();
      await show(answer.data);
      settled(answer.data);
    } else if (answer.status === 404) {
      hideBanner();
      pulse("live", "connected");
      missing?.(answer.data.error);
    } else {
      lost(answer.data.error);
    }
  } finally {
    clearTimeout(tooLong);
    if (state.running === running && !document.hidden) {
      state.timer = setTimeout(() => refresh(url, show, missing), EVERY_MS);
    }
  }
}

// The console's answer; no answer, or none that can be read, counts as one that says so.
async function ask(url, signal) {
  const address = new URL(url, location.href);
  if (state.range) address.searchParams.set("range", state.range);
  for (const [key, value] of choices()) address.searchParams.set(key, value);
  try {
    const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
    return { status: answer.status, data: await answer.json() };
  } catch {
    return { status: 0, data: { error: { problem: "The console itself does not answer", remedy: "Start it with `kit console`." } } };
  }
}

function settled(data) {
  hideBanner();
  if (!document.hidden) pulse("live", time(state.heard));
  keyed(
    document.getElementById("tabs"), data.names, (name) => name,
    (name) => {
      const link = element("a", { text: name });
      if (document.body.dataset.page === "dashboard" && document.body.dataset.name === name) {
        link.setAttribute("aria-current", "page");
      }
      return link;
    },
    (link, name) => {
      const chosen = new URLSearchParams(choices()).toString();
      const wanted = `/dashboards/${encodeURIComponent(name)}${chosen && `?${chosen}`}`;
      if (link.getAttribute("href") !== wanted) link.setAttribute("href", wanted);
    },
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
