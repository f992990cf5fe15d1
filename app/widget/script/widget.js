/* The component: its button, its dialog or page, and the commands of the host page. */

const VIEWS = { overview, opening, ticket: thread };
const listeners = new Map();

const widget = {
  view: null,
  opened: false,
  whole: settings.mode === "page",
  showing: 0,

  /** Puts the component into the page. */
  place() {
    this.host = document.createElement("heliodesk-widget");
    this.root = this.host.shadowRoot;
    this.title = h("h2", { id: "title", tabindex: -1 });
    this.back = button("‹", () => this.show("overview"), { class: "back", hidden: true });
    this.leave = button("×", () => this.close());
    this.status = h("p", { class: "status", role: "status" });
    this.body = h("div", { class: "view" });
    this.panel = h("div", { class: "panel" }, h("header", null, this.back, this.title, !this.whole && this.leave), this.status, this.body);
    if (this.whole) {
      this.box = h("main", { class: "page", "aria-labelledby": "title" }, this.panel);
    } else {
      this.box = h("dialog", { "aria-labelledby": "title", onclose: () => this.closed() }, this.panel);
      this.launcher = h("button", { type: "button", class: "launcher", "aria-haspopup": "dialog", onclick: () => this.open() });
      this.launcher.hidden = settings.launcher === "none";
      this.root.append(this.launcher);
    }
    this.root.append(this.box);
    document.body.append(this.host);
    this.colour();
    this.label();
  },

  colour() {
    if (!CSS.supports("color", settings.accent ?? "")) return;
    this.host.style.setProperty("--accent", settings.accent);
    const probe = h("span");
    probe.style.color = `color-mix(in srgb, ${settings.accent}, ${settings.accent})`;
    this.root.append(probe);
    this.host.style.setProperty("--on", readable(getComputedStyle(probe).color));
    probe.remove();
  },

  label() {
    this.host.lang = language;
    this.panel.dir = leftward(language) ? "rtl" : "ltr";
    if (this.whole) Object.assign(document, { title: t("help") }).documentElement.lang = language;
    if (this.launcher) this.launcher.textContent = t("help");
    if (!this.view || !this.title.textContent) this.title.textContent = t("help");
    this.back.ariaLabel = t("back");
    this.leave.ariaLabel = t("close_dialog");
  },

  async open(view, ...about) {
    if (this.host.hidden) return;
    if (!this.opened) {
      this.opened = true;
      if (!this.whole) this.box.showModal();
      this.launcher?.classList.remove("dot");
      this.ticking ??= setInterval(() => this.view === "ticket" && this.opened && thread.tick(), 1000);
      this.tell("open");
    }
    if (view || !this.view) await this.show(view ?? (visitor.known || guests.all().length ? "overview" : "opening"), ...about);
    else await this.refresh();
  },

  close() {
    if (!this.whole) this.box.close();
  },

  closed() {
    this.opened = false;
    this.tell("close");
  },

  /** Puts the component away: its key, or what the visitor shows, is no use. */
  hide() {
    if (this.host.hidden) return;
    live.end();
    this.close();
    this.title.textContent = t("help");
    if (this.whole) this.body.replaceChildren(h("p", { role: "alert" }, t("no_link")));
    else this.host.hidden = true;
    this.tell("hidden");
  },

  async show(view, ...about) {
    this.showing += 1;
    const mine = this.showing;
    const before = visitor.ticket;
    this.view = view;
    this.about = about;
    this.box.setAttribute("aria-busy", "true");
    this.announce("");
    try {
      const { title, nodes, back } = await VIEWS[view].view(...about);
      if (mine !== this.showing) return;
      this.title.textContent = title;
      this.back.hidden = !visitor.key || view === "overview";
      this.body.replaceChildren(...nodes);
      this.body.scrollTop = 0;
      if (this.opened) this.title.focus();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (mine !== this.showing) return;
      this.body.replaceChildren(h("p", { class: "error", role: "alert" }, problem.message),
        h("p", null, button(t("again"), () => this.show(view, ...about))));
      return;
    } finally {
      this.box.removeAttribute("aria-busy");
    }
    if (before !== visitor.ticket) live.end();
    if (visitor.known || visitor.ticket) live.begin();
  },

  /** Reads the view anew. A form that is being filled in stays. */
  async refresh() {
    await attempt(() => (this.view === "ticket" ? thread.refresh() : this.view === "overview" && this.redraw()), () => {});
  },

  async redraw() {
    const before = overview.shown;
    const { nodes } = await overview.view();
    if (this.view !== "overview" || overview.shown === before) return;
    const place = [...this.body.querySelectorAll("button")].indexOf(this.root.activeElement);
    this.body.replaceChildren(...nodes);
    if (place >= 0) this.body.querySelectorAll("button")[place]?.focus();
  },

  /** Something has happened to one of the visitor's tickets. */
  happened(event) {
    const { type, ticket_id: id } = event;
    const answered = type === "message.posted" && event.data?.author?.kind !== "customer";
    if (answered) {
      this.tell("message", { ticket_id: id });
      if (!this.opened) this.launcher?.classList.add("dot");
    }
    if (this.view === "ticket" && !this.busy && id !== thread.id) return;
    this.refreshSoon();
  },

  /** Reads the view anew, once it is there: what it is being read from may be older than what has happened. */
  refreshSoon() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => (this.busy ? this.refreshSoon() : this.refresh()), 30);
  },

  get busy() {
    return this.box.hasAttribute("aria-busy");
  },

  /** Says something to everybody, or to those alone who do not see the rest. */
  announce(text, seen = true) {
    this.status.classList.toggle("hidden", !seen);
    this.status.textContent = text;
  },

  tell(name, about = {}) {
    for (const listener of listeners.get(name) ?? []) {
      try {
        listener(about);
      } catch (error) {
        console.error("Heliodesk:", error);
      }
    }
  },
};

class Component extends HTMLElement {
  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
  }
}

const commands = {
  open: (view, ...about) => widget.open({ new: "opening", list: "overview" }[view] ?? view, ...about),
  close: () => widget.close(),
  /** Who the visitor is: a token, or a function that fetches one whenever it is needed; null: nobody. */
  async identify(source) {
    live.end();
    Object.assign(visitor, { source, token: null, fetching: null, ticket: null });
    visitor.settle();
    answers.clear();
    await visitor.identity();
    opening.resume();
    widget.host.hidden = false;
    widget.view = null;
    if (widget.opened) await widget.open();
  },
  on: (name, listener) => { listeners.set(name, [...(listeners.get(name) ?? []), listener]); },
  prefill: (values) => { opening.prefill = { ...values }; },
  async locale(tag) {
    await speak(tag);
    widget.label();
    if (widget.view) await widget.show(widget.view, ...widget.about);
  },
};

/** Runs a command; what becomes of it is the result. */
const run = async ([name, ...given]) => {
  try {
    if (!Object.hasOwn(commands, name)) throw new Error(`there is no command ${name}`);
    return await commands[name](...given);
  } catch (error) {
    console.error("Heliodesk:", error);
    return undefined;
  }
};

const begin = async () => {
  const waiting = window.heliodesk?.q ?? [];
  await speak(waiting.findLast(([name]) => name === "locale")?.[1]);
  widget.place();
  window.heliodesk = (...command) => run(command);
  for (const command of waiting) await run(command);
  if (!visitor.source) opening.resume();
  if (widget.whole) await whole();
  widget.tell("ready");
};

/** A page of ours: what it is about stands behind the `#` of its address, which no server gets to see. */
const whole = async () => {
  const [, id, token] = location.hash.match(/^#(tkt_\w+)\/(hd_ticket_[\w-]+)$/) ?? [];
  if (id) visitor.link = token;
  else [, visitor.key] = location.hash.match(/^#(hd_widget_[\w-]+)$/) ?? [];
  visitor.settle();
  if (!id && !visitor.key) widget.hide();
  else await (id ? widget.open("ticket", id) : widget.open());
};

// A page that has the script twice gets one widget.
if (!customElements.get("heliodesk-widget")) {
  customElements.define("heliodesk-widget", Component);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin, { once: true });
  else begin();
}
