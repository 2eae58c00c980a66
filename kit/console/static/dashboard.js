// A dashboard: its widgets on a grid of 24 columns, as on AWS.
import { keyed, setText } from "./dom.js";
import { follow } from "./live.js";
import { showPickers } from "./pickers.js";
import { createWidget, updateWidget } from "./widget.js";

const grid = document.getElementById("grid");
const pickers = document.getElementById("pickers");
const notice = document.getElementById("notice");
const name = document.body.dataset.name;

pickers.addEventListener("submit", (event) => event.preventDefault()); // Enter in a text field

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
    showPickers(pickers, data.variables);
    say(data.problem ?? (data.widgets.length ? "" : "This dashboard has no widgets."));
    await Promise.all(drawn);
  },
  (error) => {
    grid.replaceChildren();
    pickers.hidden = true;
    say(`${error.problem}. ${error.remedy}`);
  },
);
