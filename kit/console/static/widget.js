// One widget of a dashboard, in the way its kind asks for.
import { element, keyed, setText, svg } from "./dom.js";
import { dropGraph, legendItem, showGraph, updateLegendItem } from "./graph.js";
import { sparkline } from "./marks.js";
import { moment } from "./numbers.js";
import { showTiles } from "./tiles.js";

export function createWidget(drawing) {
  const node = element(
    "section",
    { className: "widget", data: { widget: drawing.index, points: 0, testid: "widget" } },
    element("h2", { className: "widget-title" }),
    element("div", { className: "widget-body" }),
  );
  node.addEventListener("removed", () => clear(node.lastChild));
  return node;
}

export async function updateWidget(node, drawing, frame) {
  const [title, body] = node.children;
  place(node, drawing);
  setText(title, drawing.title);
  title.hidden = !drawing.title;
  if (node.dataset.kind !== drawing.kind) {
    clear(body);
    node.dataset.kind = drawing.kind;
  }
  await KINDS[drawing.kind](body, drawing, frame);
  node.dataset.points = drawing.points;
}

function place(node, { x, y, width, height }) {
  const column = `${x + 1} / span ${width}`;
  const row = `${y + 1} / span ${height}`;
  if (node.style.gridColumn !== column) node.style.gridColumn = column;
  if (node.style.gridRow !== row) node.style.gridRow = row;
}

function clear(body) {
  for (const stage of body.querySelectorAll(".plot")) dropGraph(stage);
  body.replaceChildren();
  body.className = "widget-body";
  for (const key of Object.keys(body.dataset)) delete body.dataset[key];
}

const KINDS = {
  graph: showLines,
  parts: showParts,
  gauge: showGauge,
  numbers: showNumbers,
  table: showTable,
  text(body, { content: { html, bare } }) {
    body.parentElement.classList.toggle("bare", bare);
    if (body.dataset.html === html) return;
    body.dataset.html = html;
    body.innerHTML = html; // rendered and made safe by the server (kit/charts/markdown.py)
  },
  alarms(body, { content }, frame) {
    body.classList.add("tiles", "tiles-small");
    body.classList.toggle("many", content.length > 2);
    showTiles(body, content, frame);
  },
  logs: showLogs,
  note(body, { content }) {
    if (!body.firstChild) body.append(element("p", { className: "note" }));
    setText(body.firstChild, content);
  },
};

function plot(body) {
  if (!body.firstChild) body.append(element("div", { className: "plot", role: "img" }), element("div", { className: "legend" }));
  return body.children;
}

export async function showLines(body, drawing) {
  const [stage, legend] = plot(body);
  const { legend: entries, captions } = drawing.content;
  stage.dataset.caption = captions[0];
  stage.dataset.captionRight = captions[1] ?? "";
  stage.classList.toggle("empty", drawing.points === 0);
  keyed(legend, entries, (entry) => entry.key, legendItem, updateLegendItem);
  legend.hidden = !entries.length;
  const words = entries.map((entry) => `${entry.label} ${entry.text}`).join(", ");
  stage.setAttribute("aria-label", `${drawing.title || "Graph"}: ${words || "no data"}`);
  await showGraph(stage, drawing);
}

async function showParts(body, drawing) {
  const [stage, legend] = plot(body);
  body.classList.toggle("beside", drawing.view === "pie");
  legend.hidden = drawing.view !== "pie";
  keyed(legend, drawing.content, (entry) => entry.key, legendItem, updateLegendItem);
  stage.classList.toggle("empty", drawing.points === 0);
  stage.setAttribute("aria-label", drawing.content.map((entry) => `${entry.label} ${entry.text}`).join(", "));
  await showGraph(stage, drawing);
}

async function showGauge(body, drawing) {
  const [stage, legend] = plot(body);
  legend.classList.add("centred");
  setText(legend, drawing.content.label);
  stage.setAttribute("aria-label", `${drawing.content.label} ${drawing.params.label}`);
  await showGraph(stage, drawing);
}

function showNumbers(body, { content, lines, from, to }) {
  if (!body.firstChild) body.append(element("div", { className: "numbers" }));
  const shown = content.length ? content : [{ key: "none", text: "–", label: "No data", none: true }];
  keyed(
    body.firstChild, shown, (entry) => entry.key,
    () => element("div", { className: "number" },
      element("div", { className: "number-box" }, element("b"), element("span"), svg("svg", { class: "spark" }))),
    (node, entry) => {
      const [figure, label, spark] = node.firstChild.children;
      setText(figure, entry.text);
      setText(label, entry.label);
      label.title = entry.label;
      node.classList.toggle("empty", Boolean(entry.none));
      const line = entry.spark && lines.find(({ key }) => key === entry.key);
      spark.toggleAttribute("hidden", !line || line.t.length < 2);
      if (line && line.t.length > 1) sparkline(spark, { t: line.t, v: line.v, from, to, color: entry.color });
    },
  );
}

function showTable(body, { content: { columns, rows } }) {
  const key = columns.join();
  if (body.dataset.columns !== key) {
    body.dataset.columns = key;
    const head = element("tr", {}, element("th", { text: "Series", scope: "col" }),
      ...columns.map((text) => element("th", { text, scope: "col" })));
    body.replaceChildren(element("table", { className: "table" }, element("thead", {}, head), element("tbody")));
  }
  keyed(
    body.querySelector("tbody"), rows, (row) => row.key,
    (row) => {
      const swatch = element("i");
      swatch.style.background = row.color;
      return element("tr", {}, element("th", { scope: "row" }, swatch, element("span")), ...row.cells.map(() => element("td")));
    },
    (node, row) => {
      setText(node.firstChild.lastChild, row.label);
      for (const [number, text] of row.cells.entries()) setText(node.children[number + 1], text);
    },
  );
}

const BAD_LEVELS = new Set(["ERROR", "CRITICAL", "WARNING"]);

// Rows of a log query. They have no keys of their own, so the table is made anew when something in it is.
function showLogs(body, { content: { columns, rows, of } }, { now }) {
  const key = JSON.stringify([columns, rows]);
  if (body.dataset.rows === key) return;
  body.dataset.rows = key;
  if (!rows.length) {
    body.replaceChildren(element("p", { className: "note", text: "No log line matches." }));
    return;
  }
  const head = element("tr", {}, ...columns.map((text) => element("th", { text: text.replace(/^@/, ""), scope: "col" })));
  const lines = rows.map((cells) => element("tr", {}, ...cells.map((text, place) => logCell(columns[place], text, now))));
  const count = of > rows.length && element("caption", { text: `${rows.length} of ${of.toLocaleString("en-US")} lines` });
  body.replaceChildren(
    element("table", { className: "table logs" }, count, element("thead", {}, head), element("tbody", {}, ...lines)),
  );
}

function logCell(column, text, now) {
  const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(text) ? Date.parse(`${text.replace(" ", "T")}Z`) : NaN;
  if (!Number.isNaN(time)) return element("td", { text: moment(time, now), title: `${text} UTC`, className: "log-time" });
  if (column === "level") {
    return element("td", { className: "log-text" }, element("span", { text, className: BAD_LEVELS.has(text) ? "log-level log-bad" : "log-level" }));
  }
  const className = /^-?\d+(\.\d+)?$/.test(text) ? "" : text.length > 28 ? "log-long" : "log-text";
  return element("td", { text, title: text, className });
}
