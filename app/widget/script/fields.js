/* Forms: labelled fields, and what the service says of them. */

let numbers = 0;

/** A labelled control; `hint` explains it. */
const field = (label, control, hint) => {
  const id = `f${(numbers += 1)}`;
  control.id = id;
  if (hint) control.dataset.hint = `${id}h`;
  describe(control, control.dataset.hint);
  return h("div", { class: "field", "data-field": control.name },
    h("label", { for: id }, label, control.required ? "" : h("span", { class: "soft" }, ` (${t("optional")})`)),
    hint && h("p", { class: "soft", id: `${id}h` }, hint),
    control);
};

const input = (name, properties) => h("input", { name, type: "text", ...properties });
const area = (name, properties) => h("textarea", { name, rows: 4, ...properties });
const select = (name, options, properties) =>
  h("select", { name, ...properties }, options.map(([value, label]) => h("option", { value }, label)));

/** Does something, and says what the service has against it. */
const attempt = async (work, say = (text) => widget.announce(text)) => {
  try {
    return await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return say(problem.message, problem);
  }
};

const button = (label, work, properties) => h("button", { type: "button", onclick: () => attempt(work), ...properties }, label);

/** A form that sends its values once at a time, and shows at its fields what is wrong with them. */
const form = (children, submitLabel, send, cancel) => {
  const alert = h("p", { class: "error", role: "alert", hidden: true });
  const submit = h("button", { class: "main" }, submitLabel);
  const fields = h("fieldset", { class: "plain" }, children);
  const element = h("form", { novalidate: true }, alert, fields,
    h("div", { class: "row" }, submit, cancel && button(t("cancel"), cancel)));
  const say = (text) => {
    alert.textContent = text;
    alert.hidden = !text;
    if (text) alert.scrollIntoView({ block: "nearest" });
  };
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearFaults(element);
    say("");
    if (!complete(element) || submit.ariaDisabled === "true") return;
    submit.ariaDisabled = "true";
    try {
      await attempt(() => send(values(element)), (message, { errors }) => {
        const left = showFaults(element, errors);
        say(errors.length ? left.join(" ") : message);
        element.querySelector("[aria-invalid]")?.focus();
      });
    } finally {
      submit.ariaDisabled = "false";
    }
  });
  element.say = say;
  element.lock = (locked) => { fields.disabled = locked; };
  return element;
};

/** What the visitor has written; what is empty or hidden is left out. */
const values = (element) => {
  const found = {};
  for (const [name, value] of new FormData(element)) {
    const shown = !element.querySelector(`[data-field="${name}"]`)?.hidden;
    if (shown && value.trim()) found[name] = value.trim();
  }
  return found;
};

const clearFaults = (element) => {
  for (const each of element.querySelectorAll(".fault")) each.remove();
  for (const each of element.querySelectorAll("[aria-invalid]")) {
    each.removeAttribute("aria-invalid");
    describe(each, each.dataset.hint);
  }
};

/** Names what explains a control, if anything does. */
const describe = (control, ...ids) => {
  const known = ids.filter(Boolean).join(" ");
  if (known) control.setAttribute("aria-describedby", known);
  else control.removeAttribute("aria-describedby");
};

const markFault = (element, name, text) => {
  const place = element.querySelector(`[data-field="${name}"]`);
  const control = place?.querySelector("input, textarea, select");
  if (!control || place.hidden) return false;
  const id = `f${(numbers += 1)}`;
  control.setAttribute("aria-invalid", "true");
  describe(control, id, control.dataset.hint);
  place.append(h("p", { class: "error fault", id }, text));
  return true;
};

/** Shows faults at their fields; returns the sentences of those that have none. */
const showFaults = (element, errors) =>
  errors.filter(({ pointer, detail }) => !markFault(element, pointer.split("/").pop(), detail))
    .map(({ detail }) => detail);

/** Whether all that is needed is there; says what is not. The words are ours, not the browser's: their language is. */
const complete = (element) => {
  for (const control of element.elements) {
    const place = control.closest("[data-field]");
    if (!control.name || !place || place.hidden || place.querySelector(".fault")) continue;
    if (control.validity.valueMissing) markFault(element, control.name, t("needed"));
    else if (!control.validity.valid) markFault(element, control.name, t("malformed"));
  }
  const first = element.querySelector("[aria-invalid]");
  first?.focus();
  return !first;
};
