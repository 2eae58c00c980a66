// The on-call page: what is open, what happened, and the three things one can do about it.
import { element, keyed, linked, setText } from "./dom.js";
import { askAgain, follow } from "./live.js";
import { plain, span } from "./numbers.js";
import { alarmLink } from "./tiles.js";

const at = (id) => document.getElementById(id);
const KINDS = {
  page: "page", ticket: "ticket", ok: "OK", "opened again": "opened again",
  ack: "acknowledged", note: "note", resolve: "resolved",
};
const failed = new Map(); // incident -> why what was last tried with it did not work

let now = Date.now();

const me = at("me");
try { me.value = localStorage.getItem("oncall-me") ?? ""; } catch { /* then it is typed once a page */ }
me.addEventListener("change", () => {
  try { localStorage.setItem("oncall-me", me.value.trim()); } catch { /* it lasts for this page */ }
});

follow("/api/oncall", (data) => {
  now = data.at;
  me.placeholder = data.me;
  const open = data.incidents.filter((incident) => incident.state !== "resolved");
  const past = data.incidents.filter((incident) => incident.state === "resolved");
  verdict(open, past);
  at("trouble").hidden = !data.trouble;
  if (data.trouble) setText(at("trouble"), `${data.trouble.problem}. What is shown is what had come in. ${data.trouble.remedy ?? ""}`);
  at("open-section").hidden = !open.length;
  at("past-section").hidden = !past.length;
  for (const [id, incidents] of [["open", open], ["past", past]]) {
    keyed(at(id), incidents, (incident) => incident.id, create, update);
  }
});

function verdict(open, past) {
  const [title, detail] = at("duty").children;
  const waiting = open.filter((incident) => incident.state === "open");
  at("duty").dataset.state = waiting.some((incident) => incident.severity === "page") ? "ALARM" : "OK";
  if (waiting.length) {
    const oldest = waiting.reduce((one, other) => (one.opened < other.opened ? one : other));
    setText(title, `${waiting.length} incident${waiting.length === 1 ? "" : "s"} to take`);
    setText(detail, `The oldest has been waiting for ${span(now - oldest.opened)}.`);
  } else if (open.length) {
    setText(title, "Taken");
    setText(detail, `${open.length} incident${open.length === 1 ? "" : "s"} in somebody's hands.`);
  } else {
    setText(title, "Nothing is open");
    setText(detail, past.length ? `The last one was resolved ${span(now - Math.max(...past.map((each) => each.resolved)))} ago.` : "No page has come in yet.");
  }
}

function create(incident) {
  const note = element("input", { maxlength: 4000, placeholder: "What do you know?", "aria-label": `Note on incident ${incident.id}` });
  const act = (kind, text = "") => send(incident.id, kind, text);
  const add = element("button", { type: "button", text: "Add note", data: { act: "note" } });
  const ack = element("button", { type: "button", className: "first", text: "Acknowledge", data: { act: "ack" } });
  const resolve = element("button", { type: "button", text: "Resolve", data: { act: "resolve" } });
  const say = async () => { if (note.value.trim() && (await act("note", note.value))) note.value = ""; };
  ack.addEventListener("click", () => act("ack"));
  resolve.addEventListener("click", () => act("resolve"));
  add.addEventListener("click", say);
  note.addEventListener("keydown", (event) => { if (event.key === "Enter") say(); });
  return element(
    "article", { className: "incident", data: { testid: "incident" } },
    element("header", {}, element("span", { className: "badge" }), element("h3"), element("span", { className: "which" })),
    element("p", { className: "about" }),
    element("dl", { className: "facts" }),
    element("ul", { className: "watchers", "aria-label": "Its alarms" }),
    element("ol", { className: "course", "aria-label": "Timeline, in UTC" }),
    element("p", { className: "failed", role: "alert" }),
    element("div", { className: "acts" }, ack, note, add, resolve),
  );
}

function update(node, incident) {
  const [head, about, facts, watchers, course, trouble, acts] = node.children;
  const [badge, title, number] = head.children;
  node.dataset.state = incident.state;
  badge.dataset.state = incident.state === "open" && incident.severity === "page" ? "ALARM" : "";
  setText(badge, incident.state);
  setText(title, plain(incident.title));
  setText(number, `#${incident.id} ${incident.severity}`);
  linked(about, incident.about);
  about.hidden = !incident.about;
  const ended = incident.resolved ?? now;
  const list = [
    ["Opened", `${utc(incident.opened)} UTC`],
    [incident.resolved ? "Lasted" : "For", span(ended - incident.opened)],
    ["Acknowledged", incident.took === null ? "not yet" : `after ${span(incident.took)}${incident.acknowledged_by ? ` by ${incident.acknowledged_by}` : ""}`],
    ["Pages", String(incident.pages)],
    ...(incident.reopened ? [["Opened again", `${incident.reopened} ×`]] : []),
    ...(incident.resolved ? [["Resolved by", incident.resolved_by]] : []),
  ];
  keyed(facts, list, ([name]) => name, ([name]) => element("div", {}, element("dt", { text: name }), element("dd")), (fact, [, value]) => setText(fact.lastChild, value));
  keyed(
    watchers, incident.alarms, (alarm) => alarm.name,
    (alarm) => element("li", {}, element("i"), element("a", { text: alarm.name, href: alarmLink(alarm.name) })),
    (item, alarm) => { item.firstChild.dataset.state = alarm.state; item.firstChild.title = alarm.state; },
  );
  const newest = [...incident.timeline].reverse();
  keyed(course, newest, (entry) => `${entry.at} ${entry.kind} ${entry.actor} ${entry.text}`, line, () => {});
  const why = failed.get(incident.id) ?? "";
  setText(trouble, why);
  trouble.hidden = !why;
  acts.children[0].hidden = incident.state !== "open";
  acts.children[3].hidden = incident.state === "resolved";
}

function line(entry) {
  return element(
    "li", { data: { kind: entry.kind } },
    element("time", { text: utc(entry.at), datetime: new Date(entry.at).toISOString() }),
    element("b", { text: KINDS[entry.kind] ?? entry.kind }),
    element("p", {}, element("span", { className: "who", text: entry.actor }), entry.text ? document.createTextNode(` ${plain(entry.text)}`) : null),
  );
}

// The time of day in UTC, with its date when it is not today's.
function utc(moment) {
  const [date, time] = new Date(moment).toISOString().split(/[TZ.]/);
  return date === new Date(now).toISOString().slice(0, 10) ? time : `${date} ${time}`;
}

async function send(incident, kind, text) {
  let problem = "";
  try {
    const answer = await fetch(`/api/oncall/${incident}/${kind}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ actor: me.value.trim(), text }),
    });
    if (!answer.ok) problem = (await answer.json().catch(() => null))?.error?.problem ?? `refused (${answer.status})`;
  } catch {
    problem = "the console does not answer";
  }
  if (problem) failed.set(incident, `That did not work: ${problem}.`);
  else failed.delete(incident);
  askAgain();
  return !problem;
}
