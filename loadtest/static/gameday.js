"use strict";

// Everything that comes from the server goes into the page as text.
const here = document.body.dataset.here;
const byId = (id) => document.getElementById(id);
const rows = new Map();
const DIALS = [["percent", "%"], ["ms", "ms"], ["mb", "MB"], ["n", "n"]];
let last = 0;

function element(tag, text = "", more = {}) {
  const node = Object.assign(document.createElement(tag), more);
  node.textContent = text;
  return node;
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function complain(text) {
  byId("problem").hidden = !text;
  byId("problem").textContent = text;
}

async function ask(path, body) {
  const request = body && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Gameday": "1" },
    body: JSON.stringify(body),
  };
  const number = ++last;
  const answer = await fetch(`${here}/${path}`, request);
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail || `Locust answers ${answer.status}.`);
  // A slow look must not overwrite what a change has shown since.
  if (number === last) show(said);
}

async function change(path, body) {
  try {
    await ask(path, body);
    complain("");
  } catch (error) {
    complain(error.message);
  }
}

function show(state) {
  const since = state.elapsed_s === null ? "" : ` · ${clock(state.elapsed_s)} since the start`;
  byId("load").textContent = `${state.users} users · ${state.state}${since}`;
  byId("blind").hidden = !state.blind;
  byId("schedule").hidden = state.blind || !state.schedule.length;
  byId("faults").hidden = state.blind;
  if (state.blind) return;
  showSchedule(state);
  showServices(state);
}

function showSchedule(state) {
  document.querySelector("#schedule small").textContent = `${state.scenario} · run ${state.run}`;
  const next = state.elapsed_s === null ? -1 : state.schedule.findIndex((step) => !step.done);
  const items = state.schedule.map((step, number) => {
    const item = element("li", "", { className: step.done ? "done" : number === next ? "next" : "" });
    const wait = number === next ? `in ${clock(step.at - state.elapsed_s)}` : "";
    item.append(element("time", clock(step.at)), element("span", step.what), element("span", step.done ? "done" : wait));
    return item;
  });
  document.querySelector("#schedule ol").replaceChildren(...items);
}

function showServices(state) {
  const seen = new Set();
  for (const service of state.services) {
    for (const fault of service.known) {
      const key = `${service.service} ${fault.name}`;
      seen.add(key);
      if (!rows.has(key)) rows.set(key, addRow(service.service, fault));
      const active = service.active.find((other) => other.name === fault.name);
      showRow(rows.get(key), active, state.run);
    }
  }
  for (const [key, row] of rows) if (!seen.has(key)) { row.node.remove(); rows.delete(key); }
  const troubles = state.services.map((service) => service.problem).filter(Boolean);
  if (!state.services.length) troubles.push("No fault control was named: start Locust with --fault-url.");
  byId("services").dataset.troubles = troubles.join(" ");
  if (troubles.length) complain(troubles.join(" "));
  byId("lift-all").disabled = !state.services.some((service) => service.active.some((fault) => fault.run === state.run));
}

function tableOf(service) {
  const there = [...document.querySelectorAll("#services table")].find((table) => table.dataset.service === service);
  if (there) return there.tBodies[0];
  const table = element("table");
  table.dataset.service = service;
  table.append(element("caption", service), element("tbody"));
  const scroll = element("div", "", { className: "scroll" });
  scroll.append(table);
  byId("services").append(scroll);
  return table.tBodies[0];
}

// A row is made once and then only changed, so that typing into it is not cut off by the next look.
function addRow(service, fault) {
  const node = element("tr");
  const name = element("td", fault.name);
  name.append(element("small", fault.summary));
  const now = element("td", "", { className: "quiet" });
  const dials = element("td");
  const inputs = {};
  for (const [dial, unit, usual] of [...DIALS.map(([dial, unit]) => [dial, unit, fault[dial]]), ["expires_in_s", "s long", 300]]) {
    if (usual === null || usual === undefined) continue;
    const label = element("label");
    inputs[dial] = element("input", "", { type: "number", min: "0", value: usual });
    inputs[dial].setAttribute("aria-label", `${fault.name}: ${unit}`);
    label.append(inputs[dial], ` ${unit}`);
    dials.append(label);
  }
  const button = element("button", "Set", { type: "button" });
  const act = element("td");
  act.append(button);
  const row = { node, now, button, mine: false };
  button.addEventListener("click", () => {
    if (row.mine) return change("lift", { fault: fault.name });
    const values = Object.entries(inputs).filter(([, input]) => input.value !== "");
    return change("set", { fault: fault.name, ...Object.fromEntries(values.map(([dial, input]) => [dial, Number(input.value)])) });
  });
  node.append(name, now, dials, act);
  tableOf(service).append(node);
  return row;
}

function showRow(row, active, run) {
  row.mine = Boolean(active) && active.run === run;
  row.node.className = active ? "set" : "";
  const dials = DIALS.filter(([dial]) => active?.[dial]).map(([dial, unit]) => `${active[dial]} ${unit}`);
  row.now.textContent = active ? ["set", dials.join(", ")].join(" ") + (row.mine ? "" : " by somebody else") : "";
  row.button.textContent = row.mine ? "Lift" : "Set";
  row.button.className = row.mine ? "lift" : "";
}

async function look() {
  try {
    await ask("state");
    if (!byId("services").dataset.troubles && byId("problem").textContent.startsWith("Locust")) complain("");
  } catch {
    complain("Locust does not answer.");
  }
}

byId("lift-all").addEventListener("click", () => change("lift", { fault: "all" }));
look();
setInterval(look, 2000);
