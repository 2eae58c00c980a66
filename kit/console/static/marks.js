// The small drawings that need no chart library: sparklines and ribbons of states.
import { element, keyed, svg } from "./dom.js";
import { moment, span } from "./numbers.js";

const WIDTH = 200;
const HEIGHT = 40;

// One line over time, filled below; `threshold` adds a level. The drawing is stretched to its box.
export function sparkline(node, { t, v, from, to, threshold = null, color = null }) {
  if (!node.firstChild) {
    node.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    node.setAttribute("preserveAspectRatio", "none");
    node.setAttribute("aria-hidden", "true");
    node.append(svg("path", { class: "spark-area" }), svg("path", { class: "spark-level" }), svg("path", { class: "spark-line" }));
  }
  const [area, level, line] = node.children;
  if (color) node.style.color = color;
  const real = v.filter((value) => value !== null);
  const low = Math.min(0, ...real);
  const high = Math.max(...real, threshold ?? -Infinity, low + 1e-12);
  const x = (at) => (((at - from) / (to - from)) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 5)).toFixed(1);
  let path = "";
  let fill = "";
  let begun = null;
  for (const [number, at] of t.entries()) {
    if (v[number] === null) {
      if (begun !== null) fill += `L${x(t[number - 1])} ${HEIGHT}Z`;
      begun = null;
      continue;
    }
    const point = `${x(at)} ${y(v[number])}`;
    path += (begun === null ? "M" : "L") + point;
    fill += begun === null ? `M${x(at)} ${HEIGHT}L${point}` : `L${point}`;
    begun ??= at;
  }
  if (begun !== null) fill += `L${x(t[t.length - 1])} ${HEIGHT}Z`;
  line.setAttribute("d", path);
  area.setAttribute("d", fill);
  level.setAttribute("d", threshold === null || threshold === undefined ? "" : `M0 ${y(threshold)}H${WIDTH}`);
}

// The states of one alarm over time, as [from, to, state].
export function ribbon(node, states, from, to) {
  keyed(
    node, states, ([begin]) => begin, () => element("i"),
    (part, [begin, end, name]) => {
      const left = ((Math.max(begin, from) - from) / (to - from)) * 100;
      part.style.left = `${left}%`;
      part.style.width = `${((Math.min(end, to) - from) / (to - from)) * 100 - left}%`;
      part.dataset.state = name;
      part.title = `${name.replace("_", " ")} from ${moment(begin)} for ${span(end - begin)}`;
    },
  );
}
