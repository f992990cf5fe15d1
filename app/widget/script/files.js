/* Files: chosen, dropped or pasted, sent to where the service says, and named in what is sent then. */

/** What files the service takes of this visitor, if it takes any. */
const filesTaken = async () => {
  const found = visitor.known && await remembered("v1/files/limits");
  return found?.kept ? found : null;
};

/** How large a file is, in the visitor's words. */
const weight = (bytes) => {
  const [unit, size] = bytes < 1e3 ? ["byte", 1] : bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumSignificantDigits: 2 }).format(bytes / size);
};

/** Sends some bytes, and says how many have gone, as `fetch` does not. */
const put = (url, headers, part, signal, went) => new Promise((done, failed) => {
  const sending = new XMLHttpRequest();
  const fail = () => failed(new Problem(sending.status));
  sending.open("PUT", url);
  for (const name in headers) sending.setRequestHeader(name, headers[name]);
  sending.upload.onprogress = ({ loaded }) => went(loaded);
  sending.onload = () => (sending.status < 300 ? done() : fail());
  sending.onerror = sending.onabort = fail;
  signal.addEventListener("abort", () => sending.abort());
  sending.send(part);
});

/** Sends a file; its id, by which it is attached. */
const upload = async (file, signal, went) => {
  const { name, type, size } = file;
  const { id, upload: { url, headers, part_size: most } } = await post("v1/files", { name, type, size });
  for (let start = 0, end; start < size; start = end) {
    end = Math.min(start + (most ?? size), size);
    const place = end - start < size && { "Content-Range": `bytes ${start}-${end - 1}/${size}` };
    await put(new URL(url, base), { ...headers, ...place }, file.slice(start, end), signal, (loaded) => went((start + loaded) / size));
  }
  await post(`v1/files/${id}/complete`, {});
  return id;
};

/** Where files are attached to what a form sends. Those that have gone outlive the page, by this name. */
const picker = (name, taken) => {
  const place = `files:${name}`;
  const items = new Set();
  const list = h("ul", { class: "files" });
  const keep = () => kept.set(place, [...items].filter(({ id }) => id));

  const show = (item, file) => {
    const said = h("span", { class: "soft" }, weight(item.size));
    const bar = h("progress", { "aria-label": item.name, value: "0" });
    const stop = new AbortController();
    const row = h("li", { class: "row" }, h("span", { dir: "auto" }, item.name), said, file && bar, button("×", () => {
      stop.abort();
      items.delete(item);
      keep();
      row.remove();
      adder.focus();
    }, { "aria-label": t("file_remove", item) }));
    items.add(item);
    list.append(row);
    if (!file) return;
    sending.set(item, attempt(async () => {
      item.id = await upload(file, stop.signal, (share) => { bar.value = share; });
      keep();
      widget.announce(t("file_ready", item), false);
    }, (message, { errors }) => {
      said.className = "error";
      said.textContent = errors[0]?.detail ?? message;
      if (!stop.signal.aborted) widget.announce(t("file_failed", item), false);
    }).finally(() => bar.remove()));
  };
  const sending = new Map();

  const add = (files) => {
    for (const file of files) show({ name: file.name, size: file.size }, file);
  };
  const chooser = h("input", { type: "file", multiple: true, hidden: true, onchange: () => {
    add(chooser.files);
    chooser.value = "";
  } });
  const adder = button(t("add_files"), () => chooser.click());
  for (const item of taken && kept.get(place) || []) show(item);

  return {
    element: taken && h("div", { class: "field" }, list, h("div", null, adder, chooser),
      h("p", { class: "soft" }, t("files_hint", { size: weight(taken.max_size) }))),

    /** Takes what is dropped on an element, or pasted into it. */
    listen(element) {
      if (!taken) return;
      element.addEventListener("dragover", (event) => event.preventDefault());
      element.addEventListener("drop", (event) => {
        event.preventDefault();
        add(event.dataTransfer.files);
      });
      element.addEventListener("paste", (event) => add(event.clipboardData.files));
    },

    /** What names the files, once they have gone. */
    async named() {
      await Promise.all(sending.values());
      const ids = [...items].map(({ id }) => id);
      if (ids.includes(undefined)) throw new Problem(422, { title: t("files_pending") });
      return ids.length ? { attachments: ids } : {};
    },

    clear() {
      items.clear();
      list.replaceChildren();
      keep();
    },
  };
};

/** The files of a message. Where one is got is asked for when it is wanted. */
const attached = (files) => files?.length > 0 && h("ul", { class: "files" }, files.map(({ name, size, state, link }) =>
  h("li", null, link ? button(`${name} · ${weight(size)}`, async () => {
    const found = await get(link.slice(1));
    if (found.download) h("a", { href: new URL(found.download.url, base), ...APART }).click();
    else widget.announce(t(found.state === "quarantined" ? "file_quarantined" : "file_scanning"));
  }) : h("span", { class: "soft" }, `${name}: `, t(`file_${state}`)))));
