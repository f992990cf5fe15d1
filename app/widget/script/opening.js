/* A new ticket: its form, and what is kept of it until the service has it, once. */

const RETRY = 5_000;
const RECALL = 20 * 60 * MINUTE;
const FACTS = ["product", "environment"];
const FACTS_OF_KNOWN = [...FACTS, "tags", "custom", "external_ref"];

const opening = {
  /** What the host product knows of the next ticket. */
  prefill: {},
  sending: null,

  get draft() {
    return kept.get("draft") ?? { values: {} };
  },

  keep(values) {
    kept.set("draft", { ...this.draft, values });
  },

  /** What was sent is not known any more; what is typed stays. */
  forget() {
    kept.set("draft", { ...this.draft, pending: null });
  },

  /** The view. */
  async view() {
    const [plan, taken] = await Promise.all([get(prioritiesOf(this.prefill.product)), filesTaken()]);
    const { pending } = this.draft;
    const written = { ...this.prefill, ...Object.fromEntries(Object.entries(this.draft.values).filter(([, value]) => value)) };
    const help = h("section", { class: "found", "aria-live": "polite" });
    const files = picker("new", taken);
    const built = form([this.fields(plan, written, help), files.element], t("send"), async (found) => {
      await this.send({ ...this.body(plan, found), ...await files.named() });
    });
    files.listen(built);
    solutions.follow(built, help, this.prefill.product);
    const adapt = () => this.adapt(built, plan);
    built.addEventListener("input", () => {
      adapt();
      if (!this.draft.pending) this.keep(Object.fromEntries(new FormData(built)));
    });
    adapt();
    this.form = built;
    if (pending) this.resume();
    return { title: t("new_ticket"), nodes: [built] };
  },

  fields(plan, written, help) {
    const text = (name, properties) => ({ value: written[name] ?? "", ...properties });
    return [
      !visitor.known && field(t("name"), input("name", text("name", { required: true, autocomplete: "name", maxlength: 200 }))),
      !visitor.known && field(t("email"),
        input("email", text("email", { required: true, type: "email", autocomplete: "email", maxlength: 254 }))),
      field(t("title"), input("title", text("title", { required: true, maxlength: 300 }))),
      field(t("description"), area("description", text("description", { required: true, maxlength: 50000 })), t("description_hint")),
      help,
      plan.matrix ? this.matrix(plan, written) : this.severities(plan, written),
      field(t("business_impact"), area("business_impact", text("business_impact", { required: true, rows: 3, maxlength: 5000 })),
        t("business_impact_hint")),
      field(t("priority_reason"), area("priority_reason", text("priority_reason", { required: true, rows: 3, maxlength: 5000 }))),
      visitor.known && field(t("call_link"), input("call_link", text("call_link", { type: "url", placeholder: "https://", maxlength: 2000 })),
        t("call_link_hint")),
    ];
  },

  severities(plan, written) {
    const chosen = written.priority ?? plan.default_priority;
    const choice = ({ key, label, definition, examples }) => {
      const id = `f${(numbers += 1)}`;
      return h("div", { class: "choice" },
        h("input", { type: "radio", name: "priority", id, value: key, checked: key === chosen, "aria-describedby": `${id}d`, "data-hint": `${id}d` }),
        h("label", { for: id }, h("b", null, label)),
        h("div", { id: `${id}d`, class: "about" }, h("p", null, definition),
          examples.length > 0 && h("ul", null, examples.map((example) => h("li", null, example)))));
    };
    return h("fieldset", { "data-field": "priority" }, h("legend", null, t("severity")), plan.priorities.map(choice));
  },

  matrix(plan, written) {
    const options = (kind, names) => names.map((name) => [name, t(`${kind}_${name}`)]);
    return [
      field(t("impact"), select("impact", options("impact", ["large", "medium", "small"]),
        { required: true, value: written.impact ?? "medium" })),
      field(t("urgency"), select("urgency", options("urgency", ["high", "medium", "low"]),
        { required: true, value: written.urgency ?? "medium" })),
      h("div", { class: "about", id: "result", role: "status" }),
    ];
  },

  priority(plan, found) {
    return plan.matrix ? plan.matrix[found.urgency]?.[found.impact] : found.priority;
  },

  /** Shows the fields that this priority needs, and what it means. */
  adapt(built, plan) {
    const priority = this.priority(plan, Object.fromEntries(new FormData(built)));
    const needs = plan.requires[priority] ?? [];
    const show = (name, shown) => { (built.querySelector(`[data-field="${name}"]`) ?? {}).hidden = !shown; };
    show("business_impact", needs.includes("business_impact"));
    show("priority_reason", needs.includes("priority_reason"));
    show("call_link", plan.call_priorities.includes(priority));
    const result = built.querySelector("#result");
    const meant = plan.priorities.find(({ key }) => key === priority);
    if (result && meant && result.dataset.priority !== priority) {
      result.dataset.priority = priority;
      result.replaceChildren(h("b", null, meant.label), h("p", null, meant.definition));
    }
  },

  /** What is sent of a form. */
  body(plan, { name, email, ...found }) {
    const known = visitor.known ? FACTS_OF_KNOWN : FACTS;
    const facts = Object.fromEntries(known.filter((each) => each in this.prefill).map((each) => [each, this.prefill[each]]));
    return { ...facts, ...found, ...(visitor.known ? {} : { requester: { name, email } }) };
  },

  /** Sends a ticket. While it is not known whether it has come, the same one is sent again, by the same name. */
  async send(body) {
    const draft = this.draft;
    const pending = { body, key: unique(), at: Date.now() };
    kept.set("draft", { ...draft, pending: draft.pending ?? pending });
    await this.deliver();
  },

  /** Goes on with what an earlier page has not come to know the end of. */
  resume() {
    if (this.draft.pending) this.deliver().catch((problem) => this.form?.say(problem.message));
  },

  deliver() {
    this.form?.lock(true);
    this.sending ??= this.attempt().finally(() => {
      this.sending = null;
      this.form?.lock(false);
    });
    return this.sending;
  },

  async attempt() {
    for (let tries = 0; ; tries += 1) {
      const { pending } = this.draft;
      if (!pending) return;
      if (Date.now() - pending.at > RECALL) {
        this.forget();
        throw new Problem(0, { title: t("not_sent") });
      }
      try {
        const ticket = await post("v1/tickets", pending.body, pending.key);
        kept.set("draft", null);
        kept.set("files:new", null);
        this.prefill = {};
        return await this.opened(ticket);
      } catch (problem) {
        if (!problem.passes) {
          this.forget();
          throw problem;
        }
        this.form?.say(t("will_send"));
        await reconnected(Math.max(problem.wait * 1000, Math.min(RETRY * 2 ** tries, MINUTE)));
      }
    }
  },

  async opened(ticket) {
    if (ticket.access) {
      const { id, number, title, access } = ticket;
      kept.set("tickets", [{ id, number, title, ...access }, ...guests.all()]);
    }
    widget.tell("ticket", { id: ticket.id, number: ticket.number });
    this.form = null;
    if (widget.view === "opening") await widget.show("ticket", ticket.id);
  },
};

/** The tickets of a visitor for whom nobody vouches: this browser alone has their keys. */
const guests = {
  all: () => (kept.get("tickets") ?? []).filter(({ expires_at: ends }) => new Date(ends) > now()),
  tokenOf: (id) => guests.all().find((ticket) => ticket.id === id)?.token ?? null,
};
