// A dashboard's variables as pickers. What is chosen stands in the address, so that it can be shared and gone back from.
import { element, keyed, setText } from "./dom.js";
import { choose } from "./live.js";

export function showPickers(form, variables) {
  form.hidden = !variables.length;
  keyed(form, variables, (variable) => `${variable.id} ${variable.input}`, create, update);
}

function create({ id, label, input }) {
  const name = `var-${id}`;
  const make = { select: pickOne, radio: pickAmong, input: write }[input];
  return element(
    input === "radio" ? "fieldset" : "label", { className: "picker", data: { variable: id, testid: "picker" } },
    element(input === "radio" ? "legend" : "span", { text: label }),
    make(name),
    element("em", { className: "picker-problem" }),
  );
}

function pickOne(name) {
  const node = element("select", { name });
  node.addEventListener("change", () => choose(name, node.value));
  return node;
}

function pickAmong(name) {
  const node = element("span", { className: "choices", data: { name } });
  node.addEventListener("change", (event) => choose(name, event.target.value));
  return node;
}

function write(name) {
  const node = element("input", { name, maxlength: "255", autocomplete: "off", spellcheck: "false" });
  node.addEventListener("change", () => choose(name, node.value));
  return node;
}

function update(node, { input, value, options, problem }) {
  const [, control, trouble] = node.children;
  setText(trouble, problem ?? "");
  trouble.hidden = !problem;
  if (input === "select") {
    const offered = value === null ? [{ value: "", label: "–" }, ...options] : options;
    keyed(control, offered, (each) => each.value, (each) => element("option", { value: each.value }), (option, each) => setText(option, each.label));
    if (control.value !== (value ?? "")) control.value = value ?? "";
  } else if (input === "radio") {
    const { name } = control.dataset;
    keyed(
      control, options, (each) => each.value,
      (each) => element("label", {}, element("input", { type: "radio", name, value: each.value }), element("span")),
      (label, each) => {
        label.firstChild.checked = each.value === value;
        setText(label.lastChild, each.label);
      },
    );
  } else if (document.activeElement !== control) {
    control.value = value ?? "";
  }
}
