// Elements. Text from outside is only ever set as text: nothing here takes HTML.

/** The element of an id; it is there. */
export const $ = (id) => document.getElementById(id);

/** An element: `h("button", { class: "x", onclick: f, disabled: true }, "text", child, …)`. What is null or false is left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Other children instead of those that are there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** Other text, if it is another one: a screen reader hears no repetition. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Marks what has changed for a moment. */
export function flash(element, kind) {
  element.classList.remove("up", "down");
  void element.offsetWidth;
  element.classList.add(kind);
}

/** A note at the edge of the page, for a few seconds. */
export function toast(text, kind = "info") {
  const note = h("p", { class: `toast ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
  $("toasts").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 9_000 : 5_000);
}

/** Buttons of which one is chosen: arrows move between them, as in a group of radio buttons. */
export function choice(element, options, chosen, change, role = "radio") {
  const mark = role === "tab" ? "aria-selected" : "aria-checked";
  const buttons = options.map(([value, label, attributes = {}]) =>
    h("button", { type: "button", role, "data-value": value, onclick: () => choose(value, true), ...attributes }, label),
  );
  function choose(value, isTold) {
    for (const button of buttons) {
      const is = button.dataset.value === value;
      button.setAttribute(mark, String(is));
      button.tabIndex = is ? 0 : -1;
    }
    if (isTold) change(value);
  }
  element.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(document.activeElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  };
  fill(element, buttons);
  choose(chosen, false);
  return { choose: (value) => choose(value, false), buttons };
}
