// An alarm as a tile: its state, since when, why, and its recent past.
import { element, keyed, setText, svg } from "./dom.js";
import { ribbon, sparkline } from "./marks.js";
import { moment, plain, span } from "./numbers.js";

export const STATE_NAMES = { ALARM: "In alarm", OK: "OK", INSUFFICIENT_DATA: "No data", MISSING: "Missing" };

export function alarmLink(name) {
  return `/alarm?name=${encodeURIComponent(name)}`;
}

export function since(alarm, now) {
  return alarm.since ? `for ${span(now - alarm.since)}, since ${moment(alarm.since)}` : "";
}

export function showTiles(parent, alarms, { now, from, to }) {
  keyed(parent, alarms, (alarm) => alarm.name, create, (node, alarm) => update(node, alarm, { now, from, to }));
}

function create(alarm) {
  return element(
    "a",
    { className: "tile", href: alarmLink(alarm.name), data: { alarm: alarm.name, testid: "alarm-tile" } },
    element("p", { className: "tile-state" }, element("b"), element("span")),
    element("h3", { text: alarm.name }),
    element("p", { className: "tile-reason" }),
    element(
      "div", { className: "tile-past" },
      element("div", { className: "tile-parts" }), svg("svg", { class: "spark" }), element("div", { className: "ribbon" }),
    ),
  );
}

function update(node, alarm, { now, from, to }) {
  const [state, , reason, past] = node.children;
  if (node.dataset.state && node.dataset.state !== alarm.state) {
    node.classList.remove("changed");
    void node.offsetWidth; // starts the animation anew
    node.classList.add("changed");
  }
  node.dataset.state = alarm.state;
  setText(state.firstChild, STATE_NAMES[alarm.state] ?? alarm.state);
  setText(state.lastChild, since(alarm, now));
  setText(reason, plain(alarm.reason || alarm.condition));
  reason.title = alarm.reason;
  const [parts, spark, states] = past.children;
  past.hidden = !alarm.ribbon;
  if (!alarm.ribbon) return;
  parts.hidden = !alarm.children?.length;
  keyed(parts, alarm.children ?? [], (child) => child.name, (child) => element("span", { text: shorter(child.name, alarm.name) }), (part, child) => {
    part.dataset.state = child.state;
    part.title = `${child.name}: ${STATE_NAMES[child.state] ?? child.state}`;
  });
  ribbon(states, alarm.ribbon, from, to);
  spark.toggleAttribute("hidden", !alarm.spark);
  if (alarm.spark) sparkline(spark, { ...alarm.spark, from, to });
}

// A child is often named after its composite: then only what it adds is worth the room.
function shorter(name, composite) {
  return name.startsWith(`${composite}-`) ? name.slice(composite.length + 1) : name;
}
