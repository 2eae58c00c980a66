// Graphs: a Vega view for each, whose data is exchanged in place, and one cursor over all of them.
import { element, setText } from "./dom.js";
import { moment, value } from "./numbers.js";

const graphs = new Map(); // container -> graph
const turns = new WeakMap(); // container -> the drawing under way, for which the next one waits
let pointed = null; // { container, clientX } while a pointer is over a graph
let waiting = false;

const SETTINGS = {
  actions: false, ast: true, defaultStyle: false, hover: false, renderer: "svg", tooltip: false,
};

// Draws `drawing` in `container`, anew only when the drawing itself has changed.
export function showGraph(container, drawing) {
  const turn = (turns.get(container) ?? Promise.resolve()).then(() => draw(container, drawing));
  turns.set(container, turn.catch(() => {}));
  return turn;
}

async function draw(container, drawing) {
  if (!container.isConnected) return;
  let graph = graphs.get(container);
  const data = dataSets(drawing);
  if (graph?.key === drawing.spec_key) {
    graph.drawing = drawing;
    for (const [name, number] of Object.entries(drawing.params)) graph.view.signal(name, number);
    exchange(graph.view, data);
    await graph.view.runAsync();
  } else {
    graph = await embed(container, drawing, data, graph);
  }
  if (pointed) point();
}

export function dropGraph(container) {
  const graph = graphs.get(container);
  if (!graph) return;
  graph.watch.disconnect();
  graph.view.finalize();
  graphs.delete(container);
}

async function embed(container, drawing, data, before) {
  const box = size(container);
  const spec = {
    ...drawing.spec, ...box, datasets: data,
    params: drawing.spec.params?.map((param) => ({ ...param, value: drawing.params[param.name] ?? param.value })),
  };
  const stage = element("div", { className: "stage" });
  const { view } = await window.vegaEmbed(stage, spec, SETTINGS);
  before?.watch.disconnect();
  before?.view.finalize();
  container.replaceChildren(stage);
  const graph = { key: drawing.spec_key, view, drawing, container, watch: null };
  graph.watch = new ResizeObserver(() => resize(graph));
  graph.watch.observe(container);
  graphs.set(container, graph);
  if (drawing.kind === "graph" && !before) {
    container.addEventListener("pointermove", (event) => {
      pointed = { container, clientX: event.clientX, clientY: event.clientY };
      soon();
    });
    container.addEventListener("pointerleave", () => {
      pointed = null;
      soon();
    });
  }
  resize(graph);
  return graph;
}

function size(container) {
  return { width: Math.max(60, container.clientWidth), height: Math.max(40, container.clientHeight) };
}

function resize(graph) {
  const { width, height } = size(graph.container);
  if (graph.view.width() === width && graph.view.height() === height) return;
  graph.view.width(width).height(height).runAsync();
}

function exchange(view, data) {
  for (const [name, rows] of Object.entries(data)) {
    try {
      view.data(name, rows);
    } catch {
      // The drawing has no such data set: a stack has no lone dots.
    }
  }
}

// The named data sets that the drawings read.
function dataSets(drawing) {
  if (drawing.kind === "parts") return { parts: drawing.content };
  if (drawing.kind !== "graph") return {};
  const [lines, tails, dots] = [[], [], []];
  for (const line of drawing.lines) {
    const { t, v } = line;
    const rows = t.map((_, number) => rowOf(line, number));
    dots.push(...rows.filter((row, number) => row.y !== null && (v[number - 1] ?? null) === null && (v[number + 1] ?? null) === null));
    const tail = line.running && t.length > 1 && v.at(-2) !== null;
    if (tail) tails.push(rows.at(-2), rows.pop());
    lines.push(...rows);
  }
  return { lines, tails, dots, spans: drawing.spans ?? [], cursor: [] };
}

function rowOf({ key, color, axis, t, v, base }, number) {
  const y = v[number] === null ? null : v[number] + (base[number] ?? 0);
  return { t: t[number], y, base: base[number] ?? 0, key, color, axis };
}

function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    point();
  });
}

// Puts the cursor of every graph at the time under the pointer.
function point() {
  const at = pointed && timeAt(graphs.get(pointed.container), pointed.clientX);
  for (const graph of graphs.values()) {
    if (graph.drawing.kind !== "graph") continue;
    const rows = at ? nearest(graph.drawing.lines, at) : [];
    if (rows.length || graph.pointing) {
      graph.view.data("cursor", rows).runAsync();
      graph.pointing = rows.length > 0;
    }
    if (pointed?.container === graph.container) tip(graph, rows);
  }
  if (!at) hideTip();
}

function timeAt(graph, clientX) {
  const plot = graph?.container.querySelector(".root .background")?.getBoundingClientRect();
  if (!plot?.width) return null;
  const share = (clientX - plot.left) / plot.width;
  if (share < -0.02 || share > 1.02) return null;
  const { t_min: from, t_max: to } = graph.drawing.params;
  return from + share * (to - from);
}

// For each line its point next to `at`, if there is one near the nearest of all.
function nearest(lines, at) {
  const found = lines.map((line) => ({ line, number: search(line.t, line.v, at) })).filter((each) => each.number >= 0);
  if (!found.length) return [];
  const best = found.reduce((a, b) => (Math.abs(b.line.t[b.number] - at) < Math.abs(a.line.t[a.number] - at) ? b : a));
  const time = best.line.t[best.number];
  return found
    .filter(({ line, number }) => Math.abs(line.t[number] - time) < 1)
    .map(({ line, number }, rank) => ({
      ...rowOf(line, number), label: line.label, value: line.v[number], first: rank === 0,
    }));
}

function search(times, values, at) {
  let best = -1;
  for (let low = 0, high = times.length - 1; low <= high;) {
    const middle = (low + high) >> 1;
    if (best < 0 || Math.abs(times[middle] - at) < Math.abs(times[best] - at)) best = middle;
    if (times[middle] < at) low = middle + 1;
    else high = middle - 1;
  }
  return best >= 0 && values[best] === null ? -1 : best;
}

function tip(graph, rows) {
  let node = document.getElementById("tip");
  if (!node) {
    node = element("div", { className: "tip", id: "tip", "aria-hidden": "true" });
    document.body.append(node);
  }
  if (!rows.length) {
    node.hidden = true;
    return;
  }
  const units = graph.drawing.content.units;
  node.replaceChildren(
    element("time", { text: moment(rows[0].t) }),
    ...rows.map((row) => {
      const swatch = element("i");
      swatch.style.background = row.color;
      return element("div", {}, swatch, element("span", { text: row.label }), element("b", { text: value(row.value, units[row.axis]) }));
    }),
  );
  node.hidden = false;
  const box = node.getBoundingClientRect();
  const right = pointed.clientX + 16 + box.width > innerWidth;
  node.style.left = `${right ? pointed.clientX - box.width - 16 : pointed.clientX + 16}px`;
  node.style.top = `${Math.min(Math.max(8, pointed.clientY - box.height / 2), innerHeight - box.height - 8)}px`;
}

function hideTip() {
  const node = document.getElementById("tip");
  if (node) node.hidden = true;
}

// The names, colours and newest values of a graph's lines, below or beside it.
export function legendItem(entry) {
  const swatch = element("i");
  swatch.style.background = entry.color;
  return element("span", { className: "legend-item", title: entry.label }, swatch, element("span", { text: entry.label }), element("b"));
}

export function updateLegendItem(node, entry) {
  setText(node.children[1], entry.label);
  setText(node.lastChild, entry.text);
  node.firstChild.style.background = entry.color;
}
