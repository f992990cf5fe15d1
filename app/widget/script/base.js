/* What everything else is built with: elements, texts, times, and what the browser keeps. */

const script = document.currentScript;
const base = new URL(".", script.src).href;
const settings = script.dataset;

/** An element with children and properties: `on...` listens, null and false are left out. */
const h = (tag, properties, ...children) => {
  const element = document.createElement(tag);
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  return element;
};

/** A name that nobody else guesses, also where a page without TLS has no `randomUUID`. */
const unique = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What opens in a window of its own, which knows nothing of this one. */
const APART = { target: "_blank", rel: "noopener noreferrer" };

let language = "en";
/** The language as it is spoken where the visitor is, for dates and times. */
let locale = "en";
let texts = {};

/** A text in the visitor's language. */
const t = (key, facts = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

/** Reads the texts of the language that suits a BCP 47 tag best. */
const speak = async (tag) => {
  const ofPage = settings.mode !== "page" && document.documentElement.lang; // ours is in no language of its own
  const wanted = tag || settings.locale || ofPage || navigator.language || "en";
  const answer = await fetch(`${base}widget/texts/${encodeURIComponent(wanted)}?v=${version}`, { credentials: "omit" });
  if (!answer.ok) throw new Error(`Heliodesk: no texts (${answer.status})`);
  ({ language, texts } = await answer.json());
  locale = navigator.languages.find((each) => each.split("-")[0] === language) ?? language;
};

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** By how many milliseconds the service's clock is ahead of the visitor's. */
let ahead = 0;
const now = () => Date.now() + ahead;

/** Learns from an answer what time it is. Its `Date` is at most two seconds old; where the clocks differ, the later
    instant counts, so that nothing is called overdue before it is. */
const compare = (sent, answer) => {
  const date = Date.parse(answer.headers.get("Date"));
  const least = date - Date.now();
  if (ahead < least || ahead > date + 2000 - sent) ahead = least;
};

/** Whether a language is written from right to left. */
const leftward = (tag) => /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/.test(tag);

/** A time of day, with its date unless it is today's, and the year unless it is this one. */
const clock = (at) => {
  const [then, today] = [new Date(at), new Date(now())];
  const near = then.toDateString() === today.toDateString();
  const day = near ? {} : { weekday: "short", day: "numeric", month: "short" };
  if (then.getFullYear() !== today.getFullYear()) day.year = "numeric";
  return new Intl.DateTimeFormat(locale, { ...day, hour: "numeric", minute: "2-digit" }).format(then);
};

/** How long it is until then, or since. */
const distance = (at) => {
  const span = new Date(at) - now();
  const [unit, length] = Math.abs(span) < MINUTE ? ["second", 1000]
    : Math.abs(span) < 90 * MINUTE ? ["minute", MINUTE]
    : Math.abs(span) < 2 * DAY ? ["hour", 60 * MINUTE] : ["day", DAY];
  return new Intl.RelativeTimeFormat(locale).format(Math.trunc(span / length), unit);
};

const memory = new Map();
let scope = "";

/** What outlives the page, of this key and visitor alone; where the browser keeps nothing, what outlives the view. */
const kept = {
  get(name) {
    const text = (() => {
      try { return localStorage.getItem(scope + name); } catch { return null; }
    })() ?? memory.get(scope + name);
    return text ? JSON.parse(text) : null;
  },
  set(name, value) {
    const text = JSON.stringify(value);
    if (value == null) memory.delete(scope + name);
    else memory.set(scope + name, text);
    try {
      if (value == null) localStorage.removeItem(scope + name);
      else localStorage.setItem(scope + name, text);
    } catch { /* it is in memory */ }
  },
};
