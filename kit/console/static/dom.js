// Elements without markup: every text is set as text, so that no name or reason can become code.

export function element(tag, { text, className, data, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  for (const [key, value] of Object.entries(data ?? {})) node.dataset[key] = value;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter(Boolean));
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Brings the children of `parent` in line with `items`, keeping the nodes that stay: nothing flickers, focus survives.
export function keyed(parent, items, key, create, update) {
  const kept = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let node = kept.get(name);
    if (node) {
      kept.delete(name);
    } else {
      node = create(item);
      node.dataset.key = name;
    }
    if (node !== place) parent.insertBefore(node, place);
    else place = place.nextElementSibling;
    update(node, item);
  }
  for (const node of kept.values()) {
    node.dispatchEvent(new CustomEvent("removed"));
    node.remove();
  }
}

// Text with its http(s) addresses as links.
export function linked(parent, text) {
  if (parent.dataset.linked === text) return;
  parent.dataset.linked = text;
  parent.replaceChildren(
    ...text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:)])/).map((part, number) =>
      number % 2
        ? element("a", { text: part, href: part, target: "_blank", rel: "noopener noreferrer" })
        : document.createTextNode(part)),
  );
}
