/* What happens to the visitor's tickets, as it happens: a stream, or requests that wait where streams are cut off. */

const FIRST_BYTE = 8_000;
const SILENCE = 40_000;
const SHORT = 5_000;
const WAIT = 25;
const MOST_SHORT = 3;

const live = {
  after: "latest",
  polling: false,
  stop: null,

  /** Follows the feed until `end`; once it does, and again after a gap, everything is read anew. */
  begin() {
    if (this.stop) return;
    const stop = new AbortController();
    this.stop = stop;
    this.follow(stop.signal).catch((error) => stop.signal.aborted || console.error("Heliodesk:", error));
  },

  end() {
    this.stop?.abort();
    this.stop = null;
    this.after = "latest";
  },

  async follow(signal) {
    let failures = 0;
    let short = 0;
    while (!signal.aborted) {
      const began = Date.now();
      let wait = 0;
      try {
        await (this.polling ? this.poll(signal) : this.stream(signal));
        failures = 0;
        short = this.polling || Date.now() - began > SHORT ? 0 : short + 1;
        if (short === MOST_SHORT) this.polling = true;
      } catch (problem) {
        if (signal.aborted || [401, 403, 404].includes(problem.status)) return;
        if (problem.status === 410) this.after = "latest";
        failures += 1;
        wait = problem.wait * 1000 || 0;
      }
      if (!signal.aborted) await reconnected(Math.max(wait, Math.min(200 * 2 ** failures, 30_000)));
    }
  },

  /** Waits for what happens behind the cursor; the first time it only finds out where that is. */
  async poll(signal) {
    const first = this.after === "latest";
    const path = `v1/events?wait=${first ? 0 : WAIT}&after=${encodeURIComponent(this.after)}`;
    const page = await (await request("GET", path, { signal })).json();
    this.after = page.next_cursor;
    if (first) widget.refresh();
    for (const event of page.items) widget.happened(event);
  },

  /** Reads one stream to its end. One that brings nothing, although the service speaks at once, is held up on the way. */
  async stream(signal) {
    const cut = new AbortController();
    signal.addEventListener("abort", () => cut.abort(), { once: true });
    let spoke = false;
    const quiet = () => {
      this.polling = !spoke;
      cut.abort();
    };
    let timer = setTimeout(quiet, FIRST_BYTE);
    try {
      const path = `v1/events/stream?after=${encodeURIComponent(this.after)}`;
      const answer = await request("GET", path, { signal: cut.signal });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        if (!spoke && this.after === "latest") widget.refresh();
        spoke = true;
        clearTimeout(timer);
        timer = setTimeout(quiet, SILENCE);
        const blocks = (text + value).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) this.hear(block);
      }
    } catch (error) {
      if (cut.signal.aborted && !signal.aborted) return;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  },

  hear(block) {
    let data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("id: ")) this.after = line.slice(4);
      if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (data) widget.happened(JSON.parse(data));
  },
};
