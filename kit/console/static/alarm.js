// One alarm: its state and reason, what it watches, its definition and its history.
import { element, keyed, linked, setText } from "./dom.js";
import { follow } from "./live.js";
import { ribbon } from "./marks.js";
import { moment, plain } from "./numbers.js";
import { STATE_NAMES, showTiles, since } from "./tiles.js";
import { showLines } from "./widget.js";

const at = (id) => document.getElementById(id);
const name = document.body.dataset.name;

follow(
  `/api/alarm?name=${encodeURIComponent(name)}`,
  async (data) => {
    const { alarm } = data;
    at("notice").hidden = true;
    at("alarm").hidden = false;
    at("alarm").dataset.alarm = alarm.name;
    at("alarm").dataset.state = alarm.state;
    at("badge").dataset.state = alarm.state;
    setText(at("badge"), STATE_NAMES[alarm.state] ?? alarm.state);
    setText(at("since"), since(alarm, data.to) + (alarm.silenced ? " · actions are switched off" : ""));
    linked(at("about"), alarm.description ?? "");
    setText(at("reason"), plain(alarm.reason));
    ribbon(at("ribbon"), alarm.ribbon, data.from, data.to);
    related("children", data.children, data);
    related("parents", data.parents, data);
    at("rule-section").hidden = alarm.kind !== "composite";
    setText(at("rule"), alarm.kind === "composite" ? alarm.condition : "");
    setText(at("condition"), alarm.kind === "metric" ? alarm.condition : "");
    history(data.history, data.to);
    definition(data.definition);
    await chart(data.chart);
  },
  (error) => {
    at("alarm").hidden = true;
    at("notice").hidden = false;
    setText(at("notice"), `${error.problem}. ${error.remedy}`);
  },
);

function related(id, alarms, data) {
  at(`${id}-section`).hidden = !alarms.length;
  showTiles(at(id), alarms, { now: data.to, from: data.from, to: data.to });
}

async function chart(drawing) {
  const section = at("chart");
  section.hidden = !drawing;
  if (!drawing) return;
  const body = section.querySelector(".widget-body");
  if (drawing.kind === "note") {
    body.replaceChildren(element("p", { className: "note", text: drawing.content }));
    return;
  }
  await showLines(body, drawing);
  section.dataset.points = drawing.points;
}

function history(items, now) {
  keyed(
    at("history"), items, (item) => `${item.at} ${item.type} ${item.summary}`,
    (item) => {
      const state = item.type === "StateUpdate" ? item.summary.split(" to ").pop().trim() : "";
      const line = element("summary", {},
        element("time", { text: moment(item.at, now), datetime: new Date(item.at).toISOString() }),
        element("i", { data: { state } }), element("span", { text: item.summary }));
      return element("li", {}, element("details", {}, line, element("pre", { text: readable(item.data) })));
    },
    () => {},
  );
}

function definition(facts) {
  keyed(
    at("definition"), Object.entries(facts).sort(), ([key]) => key,
    ([key]) => element("div", {}, element("dt", { text: key }), element("dd")),
    (node, [, fact]) => setText(node.lastChild, typeof fact === "object" ? JSON.stringify(fact, null, 2) : String(fact)),
  );
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
