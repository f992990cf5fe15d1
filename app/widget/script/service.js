/* Calls of the API, and who makes them. */

/** What the service has refused (RFC 9457); `status` 0: it could not be reached. */
class Problem extends Error {
  constructor(status, document = {}, wait = 0) {
    super(document.detail ?? document.title ?? t("unreachable"));
    this.status = status;
    this.type = document.type ?? "";
    this.reason = document.reason;
    this.errors = document.errors ?? [];
    this.wait = wait;
  }

  /** Whether the same request may succeed later: nobody has decided about it. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const visitor = {
  /** The widget's key; null on the page of a link, whose ticket's key stands alone. */
  key: settings.key ?? null,
  /** A token of the host product, or a function that fetches one. */
  source: null,
  token: null,
  fetching: null,
  /** The key of the ticket that is shown, where nobody vouches for the visitor. */
  ticket: null,
  /** That of the only ticket, on the page of a link. */
  link: null,

  get known() {
    return Boolean(this.source ?? this.link);
  },

  async identity() {
    if (!this.source) return this.link ?? this.ticket;
    if (!this.token) {
      const fetching = this.fetching ??= this.fetch(this.source);
      try {
        await fetching;
      } finally {
        if (this.fetching === fetching) this.fetching = null;
      }
    }
    return this.token ?? this.identity(); // somebody else has come meanwhile
  },

  /** Gets a token from its source, once for all who wait for it. */
  async fetch(source) {
    let token;
    try {
      token = typeof source === "function" ? await source() : source;
      if (!token) throw new Error("there is no identity token");
    } catch (error) {
      console.error("Heliodesk:", error);
      throw new Problem(0);
    }
    if (source !== this.source) return;
    this.token = token;
    this.settle();
  },

  /** Keeps drafts apart by visitor. Whose token it is decides the service: this only names a place. */
  settle() {
    let subject = "";
    try {
      if (this.token) subject = JSON.parse(atob(this.token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub;
    } catch { /* the service says what is wrong with it */ }
    scope = `heliodesk:${this.key ?? "link"}:${subject}:`;
  },

  /** Whether there is hope for another token than this one, which has expired. */
  renew(expired) {
    const hope = typeof this.source === "function";
    if (hope && this.token === expired) this.token = null;
    return hope;
  },
};
visitor.settle();

/** The service's answer, if it is a success. */
const request = async (method, path, { body, key, signal, headers = {} } = {}, again = false) => {
  const identity = await visitor.identity();
  const sent = { "Accept-Language": language, Authorization: `Bearer ${visitor.key ?? identity}`, ...headers };
  if (visitor.key && identity) sent["Heliodesk-Identity"] = identity;
  if (body) sent["Content-Type"] = "application/json";
  if (key) sent["Idempotency-Key"] = key;
  const began = Date.now();
  let answer;
  try {
    answer = await fetch(base + path, {
      method, signal, headers: sent, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store",
    });
  } catch (error) {
    throw signal?.aborted ? error : new Problem(0);
  }
  compare(began, answer);
  if (answer.ok) return answer;
  const wait = Number(answer.headers.get("Retry-After")) || 0;
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})), wait);
  if (problem.status === 401) {
    if (problem.reason === "expired" && !again && visitor.renew(identity)) {
      return request(method, path, { body, key, signal, headers }, true);
    }
    console.error(`Heliodesk: ${problem.message}`);
    if (problem.type === "/problems/unauthorized" || visitor.known) widget.hide();
  }
  throw problem;
};

const get = async (path) => (await request("GET", path)).json();

/** All items of a list. */
const list = async (path, most = 1000) => {
  const items = [];
  let cursor = "";
  do {
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}limit=100${cursor}`);
    items.push(...page.items);
    cursor = page.next_cursor && items.length < most ? `&cursor=${encodeURIComponent(page.next_cursor)}` : "";
  } while (cursor);
  return items;
};

const answers = new Map();

/** What is read once of a visitor; null where it cannot be read. */
const remembered = (path) => {
  if (!answers.has(path)) {
    answers.set(path, attempt(() => get(path), () => {
      answers.delete(path);
      return null;
    }));
  }
  return answers.get(path);
};

const post = async (path, body, key = unique()) => (await request("POST", path, { body, key })).json();

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Waits for the network, at most so long. */
const reconnected = (milliseconds) => Promise.race([
  pause(milliseconds),
  new Promise((resolve) => {
    addEventListener("online", resolve, { once: true, signal: AbortSignal.timeout(milliseconds) });
  }),
]);
