// A dashboard: its widgets on a grid of 24 columns, as on AWS.
import { keyed, setText } from "./dom.js";
import { follow } from "./live.js";
import { createWidget, updateWidget } from "./widget.js";

const grid = document.getElementById("grid");
const notice = document.getElementById("notice");
const name = document.body.dataset.name;

function say(words) {
  notice.hidden = !words;
  setText(notice, words ?? "");
}

follow(
  `/api/dashboards/${encodeURIComponent(name)}`,
  async (data) => {
    const frame = { now: data.to, from: data.from, to: data.to };
    const drawn = [];
    keyed(grid, data.widgets, (widget) => widget.index, createWidget, (node, widget) => {
      drawn.push(updateWidget(node, widget, frame));
    });
    const variables = data.variables ? "Its variables are left as they are written: this page has no pickers for them." : "";
    say(data.problem ?? (data.widgets.length ? variables : "This dashboard has no widgets."));
    await Promise.all(drawn);
  },
  (error) => {
    grid.replaceChildren();
    say(`${error.problem}. ${error.remedy}`);
  },
);
