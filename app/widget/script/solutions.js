/* Known solutions, while the visitor writes: what support has published and may help. */

const PAUSE = 400;
const ENOUGH = 8;
const PLAIN = "blockquote br code em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul".split(" ");
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const plain = (text) => text.replace(/&([\w#]+);/g, (all, name) => ENTITIES[name] ?? all);

/** The nodes of HTML that the service has made safe. The browser does not parse it, which a policy may forbid. */
const nodesOf = (html) => {
  const open = [h("div")];
  for (const [, close, name, rest, text] of html.matchAll(/<(\/?)(\w+)([^>]*)>|([^<]+)/g)) {
    const inside = open.at(-1);
    const said = (attribute) => plain(new RegExp(`${attribute}="([^"]*)"`).exec(rest)?.[1] ?? "");
    if (text) inside.append(plain(text));
    else if (close) open.length > 1 && open.pop();
    else if (name === "img") inside.append(said("alt"));
    else {
      const href = said("href");
      const element = h(PLAIN.includes(name) ? name : href ? "a" : "span",
        /^(https?|mailto|tel):/.test(href) && { href, ...APART });
      inside.append(element);
      if (name !== "br" && name !== "hr") open.push(element);
    }
  }
  return [...open[0].childNodes];
};

const solutions = {
  conversation: unique(),

  /** Looks for what may help whenever the visitor pauses, and shows it in `place`. */
  follow(built, place, product) {
    let timer;
    let stop;
    let shown = "";
    const look = async () => {
      const { title = "", description = "" } = values(built);
      stop?.abort();
      stop = new AbortController();
      const { signal } = stop;
      try {
        const body = { title, description, ...(product && { product }), language };
        const { items, known_errors: errors } = title.length + description.length < ENOUGH ? { items: [], known_errors: [] }
          : await (await request("POST", "v1/articles/suggest", { body, signal })).json();
        const ids = [...errors.map(({ number }) => number), ...items.map(({ id }) => id)].join();
        if (signal.aborted || ids === shown) return;
        shown = ids;
        const found = [...errors.map((each) => this.known(each)), ...items.map((each) => this.one(each))];
        place.replaceChildren(...(found.length ? [h("h3", null, t("solutions")), ...found] : []));
      } catch (problem) {
        if (!signal.aborted && !(problem instanceof Problem)) throw problem;
      }
    };
    built.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE);
    });
  },

  /** A problem that support knows, with what helps until it is solved. */
  known({ title, workaround }) {
    return h("details", { class: "known" }, h("summary", { dir: "auto" }, t("known_error", { title })),
      h("div", { class: "article", dir: "auto" }, ...workaround.split("\n").map((line) => h("p", null, line))));
  },

  /** An article, whose text is read once it is opened. What is public has a page of its own, too. */
  one({ id, title, language: lang, audience }) {
    const element = h("details", {
      ontoggle: async () => {
        if (element.querySelector(".article")) return;
        const text = h("div", { class: "article", dir: "auto", lang });
        element.append(text);
        await attempt(async () => {
          const page = audience === "public" && h("p", null, h("a", { href: `${base}help/articles/${id}`, ...APART }, t("as_page")));
          text.append(...nodesOf((await get(`v1/articles/${id}`)).html), ...(page ? [page] : []),
            button(t("solved_it"), () => this.solved(id)));
        }, (message) => text.append(message));
      },
    }, h("summary", { dir: "auto", lang }, title));
    return element;
  },

  /** It has helped: nothing is sent, and what was typed is gone. */
  async solved(id) {
    await post(`v1/articles/${id}/solved`, { conversation: this.conversation });
    kept.set("draft", null);
    await widget.show(visitor.known || guests.all().length ? "overview" : "opening");
    widget.announce(t("glad"));
  },
};
