/* One ticket: what was promised, the call, the thread, and what the customer can do. */

const ENDED = ["resolved", "closed"];
const METRICS = ["first_response", "next_response", "update", "resolution"];
const CALLED = { requested: "call_soon", ready: "call_ready", joined: "call_joined", declined: "call_declined", no_show: "call_missed" };

/** The current cycle of each promise that is running or broken, the first due first. */
const promises = (ticket) => {
  const latest = new Map();
  for (const each of ticket.deadlines) {
    if (METRICS.includes(each.metric) && !(latest.get(each.metric)?.cycle > each.cycle)) latest.set(each.metric, each);
  }
  if (ENDED.includes(ticket.status)) return [];
  return [...latest.values()].filter(({ state, due_at: due }) => due && ["running", "missed"].includes(state))
    .sort((one, other) => one.due_at.localeCompare(other.due_at));
};

/** Where the plan in force says what priorities there are, for a product. */
const prioritiesOf = (product) => `v1/priorities?lang=${language}${product ? `&product=${encodeURIComponent(product)}` : ""}`;
/** What it says; null where it cannot be read. */
const planFor = (product) => remembered(prioritiesOf(product));

/** What a ticket's priority is called: as its plan does, if that is the one in force. */
const named = (plan, ticket) =>
  (plan?.plan.key === ticket.plan.key && plan.priorities.find(({ key }) => key === ticket.priority)?.label) || ticket.priority;

const chip = (...content) => h("span", { class: "chip" }, content);

/** A ticket with its messages. */
const read = (id) => Promise.all([get(`v1/tickets/${id}`), list(`v1/tickets/${id}/messages`)]);

const thread = {
  id: null,
  ticket: null,
  plan: null,

  /** The view. */
  async view(id) {
    this.id = null;  // there is nothing to refresh yet
    visitor.ticket = visitor.known ? null : guests.tokenOf(id);
    const [ticket, messages] = await read(id);
    const [plan, taken] = await Promise.all([planFor(ticket.product), filesTaken()]);
    Object.assign(this, { id, ticket, plan, taken, known: new Set() });
    this.head = h("div", { class: "head" });
    this.items = h("ol");
    this.log = h("div", { role: "log", "aria-label": t("messages"), tabindex: -1 }, this.items);
    this.room = h("div");
    this.draw();
    const { requester, description: body, opened_at: at, attachments } = ticket;
    this.add([{ id, author: { kind: "customer", name: requester.name }, body, created_at: at, attachments }, ...messages]);
    return { title: `${ticket.number} · ${ticket.title}`, nodes: [this.head, this.room, this.log, this.composer()] };
  },

  /** Reads the ticket anew, and leaves alone what the visitor is writing. */
  async refresh() {
    const { id } = this;
    if (!id) return; // it is still being read for the first time
    const [ticket, messages] = await read(id);
    if (id !== this.id || widget.view !== "ticket") return;
    this.take(ticket);
    this.add(messages);
  },

  take(ticket) {
    if (ticket.version < this.ticket.version) return;
    const replyable = ENDED.includes(this.ticket.status) === ENDED.includes(ticket.status);
    this.ticket = ticket;
    if (!replyable) this.reply.replaceWith(this.composer());
    this.draw();
  },

  draw() {
    const { ticket, head } = this;
    if (head.matches(":active")) return void setTimeout(() => this.draw(), 50); // a press ends where it began, or is no click
    const focused = head.contains(widget.root.activeElement) && widget.root.activeElement.dataset.act;
    this.dues = promises(ticket).map((each) => this.promise(each));
    head.replaceChildren(...[
      h("p", { class: "row" }, chip(t(`status_${ticket.status}`)), chip(named(this.plan, ticket)), ticket.escalated && chip(t("escalated"))),
      ticket.watchers.length > 0 && h("p", { class: "row soft" }, t("watching"), ticket.watchers.map((each, place) => this.watcher(each, place))),
      ticket.status === "waiting_on_customer" && h("p", { class: "note" }, t("waiting")),
      ...this.dues.map(({ element }) => element),
      ...this.call(ticket.call),
      this.actions(),
    ].filter(Boolean));
    this.tick();
    if (focused) head.querySelector(`[data-act="${focused}"]`)?.focus();
  },

  promise({ metric, state, due_at: due }) {
    const what = h("span");
    const left = h("span", { class: "soft" });
    return { metric, due, missed: state === "missed", what, left, element: h("p", { class: "promise" }, what, " ", left) };
  },

  /** Lets time pass: what is due is said to the second, and what is overdue turns red at its instant. */
  tick() {
    for (const each of this.dues ?? []) {
      const still = this.ticket.sandbox;
      const late = each.missed || (!still && now() >= Date.parse(each.due));
      const text = t(`${late ? "late" : "due"}_${each.metric}`, { at: clock(each.due) });
      if (each.what.textContent !== text) {
        if (late && each.what.textContent) widget.announce(text, false);
        each.what.textContent = text;
        each.element.classList.toggle("late", late);
      }
      const left = still ? "" : distance(each.due);
      if (each.left.textContent !== left) each.left.textContent = left;
    }
  },

  call(call) {
    const text = call?.state === "failed" ? call.failure : call && CALLED[call.state] && t(CALLED[call.state]);
    if (!text || ENDED.includes(this.ticket.status)) return [];
    const link = call.join_url && /^https?:/.test(call.join_url) && h("a", {
      class: "main", href: call.join_url, ...APART, "data-act": "join",
      onclick: () => attempt(() => this.act("call/join", { participant: "customer" })),
    }, t("join"), h("span", { class: "hidden" }, ` (${t("new_window")})`));
    const refuse = ["requested", "ready", "no_show"].includes(call.state)
      && button(t("cannot_join"), () => this.ask(
        [field(t("reason"), area("reason", { required: true, maxlength: 5000 }))],
        t("cannot_join"), (found) => this.act("call/decline", found)), { "data-act": "decline" });
    return [h("div", { class: "call" }, h("p", null, text), h("div", { class: "row" }, link, refuse))];
  },

  actions() {
    const { status, unconfirmed } = this.ticket;
    const follower = Boolean(visitor.ticket);
    if (status === "closed") return h("p", { class: "note" }, t("is_closed"));
    if (status === "resolved") return h("p", { class: "row" }, h("span", null, t("is_resolved")), this.asking("reopen", () => this.reopening()));
    return h("p", { class: "row" },
      !follower && !unconfirmed && this.asking("escalate", () => this.escalating()),
      visitor.known && this.asking("watch", () => this.watching()),
      this.asking("close", () => this.ask([h("p", null, t("close_question"))], t("close"), () => this.act("status", { status: "resolved" }))));
  },

  asking(name, onclick) {
    return button(t(name), onclick, { "data-act": name });
  },

  /** Opens a small form; it goes when it is sent or given up, and the focus returns. */
  ask(children, label, send) {
    const from = widget.root.activeElement?.dataset.act;
    const leave = () => {
      this.room.replaceChildren();
      (this.head.querySelector(`[data-act="${from}"]`) ?? this.log).focus();
    };
    const built = form(children, label, async (found) => {
      await send(found);
      leave();
    }, leave);
    built.classList.add("asked");
    this.room.replaceChildren(built);
    (built.querySelector("textarea, select, input") ?? built.querySelector("button.main")).focus();
  },

  reopening() {
    this.ask([field(t("message"), area("message", { required: true, maxlength: 50000 }))], t("reopen"), (found) => this.act("reopen", found));
  },

  watching() {
    this.ask([field(t("colleague"), input("email", { required: true, type: "email", maxlength: 254 }), t("watch_hint"))],
      t("watch"), (found) => this.act("watch", found));
  },

  /** Somebody who is informed too, until somebody the service knows ends it. */
  watcher({ name: known, email }, place) {
    const name = known ?? email;
    const stop = t("unwatch", { name });
    return ENDED.includes(this.ticket.status) || !visitor.known ? chip(name) : button(`${name} ×`,
      () => this.ask([h("p", null, t("unwatch_question", { name }))], stop, () => this.act("unwatch", { email })),
      { class: "chip", "aria-label": stop, "data-act": `unwatch${place}` });
  },

  async escalating() {
    this.plan ??= await planFor(this.ticket.product);
    if (!this.plan) {
      widget.announce(t("unreachable"));
      return;
    }
    const { priorities, customer_may: may } = this.plan;
    if (!may.escalate || !may.reasons.length) {
      widget.announce(t("no_escalations"));
      return;
    }
    const higher = priorities.slice(0, Math.max(0, priorities.findIndex(({ key }) => key === this.ticket.priority)));
    this.ask([
      field(t("reason"), select("reason", may.reasons.map((reason) => [reason, t(`escalate_${reason}`)]), { required: true })),
      field(t("justification"), area("justification", { required: true, maxlength: 5000 })),
      higher.length > 0 && field(t("other_severity"), select("requested_priority", [["", t("same")], ...higher.map(({ key, label }) => [key, label])])),
      higher.length > 0 && field(t("business_impact"), area("business_impact", { rows: 2, maxlength: 5000 })),
    ], t("escalate"), async (found) => {
      await post(`v1/tickets/${this.id}/escalations`, found);
      await this.refresh();
    });
  },

  async act(action, body) {
    this.take(await post(`v1/tickets/${this.id}/${action}`, body));
  },

  add(messages) {
    const { body } = widget;
    const end = this.log.isConnected && body.scrollHeight - body.scrollTop - body.clientHeight < 40;
    for (const message of messages) {
      if (this.known.has(message.id)) continue;
      this.known.add(message.id);
      const { kind, name, unconfirmed } = message.author;
      const mine = kind === "customer" && !unconfirmed;
      const who = name ?? t(kind === "customer" ? "you" : "support");
      if (!mine && this.log.isConnected) widget.announce(""); // what was said of the visitor's own message is over
      this.items.append(h("li", { class: mine ? "mine" : "theirs" },
        h("p", { class: "soft" }, `${unconfirmed ? t("not_confirmed", { name: who }) : who} · `,
          h("time", { datetime: message.created_at }, clock(message.created_at))),
        h("p", { class: "body", dir: "auto" }, message.body),
        attached(message.attachments)));
    }
    if (end) body.scrollTop = body.scrollHeight;
  },

  /** Where a reply is written. It is kept until the service has it, and has one name for all tries. */
  composer() {
    const place = `reply:${this.id}`;
    if (ENDED.includes(this.ticket.status)) {
      this.reply = h("div");
      return this.reply;
    }
    const text = area("body", { required: true, rows: 3, maxlength: 50000, value: kept.get(place)?.body ?? "" });
    const files = picker(this.id, this.taken);
    this.reply = form([field(t("reply"), text), files.element], t("send_reply"), async ({ body }) => {
      const last = kept.get(place);
      const message = { body, ...await files.named() };
      const sent = JSON.stringify(message);
      const draft = last?.sent === sent ? last : { body, sent, key: unique() };
      kept.set(place, draft);
      this.add([await post(`v1/tickets/${this.id}/messages`, message, draft.key)]);
      kept.set(place, null);
      files.clear();
      text.value = "";
      widget.announce(t("sent"));
    });
    this.reply.classList.add("composer");
    files.listen(this.reply);
    text.addEventListener("input", () => kept.set(place, { ...kept.get(place), body: text.value }));
    return this.reply;
  },
};

/** The visitor's tickets. */
const overview = {
  /** What is on the screen, to see whether anything has changed. */
  shown: "",
  /** Whether the older tickets are shown too. */
  all: false,

  async view() {
    visitor.ticket = null;
    if (visitor.known) planFor(); // of most tickets
    const page = !visitor.known ? { items: guests.all() }
      : this.all ? { items: await list("v1/tickets") } : await get("v1/tickets?limit=50");
    const tickets = page.items;
    const known = {};
    for (const { plan, product } of tickets) if (plan && !(plan.key in known)) known[plan.key] = await planFor(product);
    this.shown = JSON.stringify(tickets);
    const row = (ticket) => h("li", null, h("button", { type: "button", class: "ticket", onclick: () => widget.show("ticket", ticket.id) },
      h("span", null, h("b", null, ticket.number), " ", h("span", { dir: "auto" }, ticket.title)),
      ticket.status && h("span", { class: "row" }, chip(t(`status_${ticket.status}`)), chip(named(known[ticket.plan.key], ticket)),
        promises(ticket).some(({ state, due_at: due }) => state === "missed" || (!ticket.sandbox && Date.parse(due) <= now()))
          && h("span", { class: "chip late" }, t("overdue")))));
    return {
      title: t("help"),
      nodes: [
        h("p", null, button(t("new_ticket"), () => widget.show("opening"), { class: "main" })),
        h("h3", null, t("your_tickets")),
        tickets.length ? h("ul", { class: "tickets" }, tickets.map(row)) : h("p", { class: "soft" }, t("no_tickets")),
        ...(page.next_cursor ? [h("p", null, button(t("all"), () => this.show()))] : []),
      ],
    };
  },

  /** The older tickets too. */
  show() {
    this.all = true;
    return widget.show("overview");
  },
};
