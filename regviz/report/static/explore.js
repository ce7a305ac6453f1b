// Makes figures explorable: what a mark stands for, what it stands on and what stands on it; without it they are pictures.

const NEAR = 7; // pixels within which a small mark is meant
const CLOSEST = 16; // times
const LONGEST_LINK = 4000;
const DIGEST = /(?:^| )((?:[a-z0-9]+:)*[0-9a-f]{64})$/; // at the end of a line
const LONG_DIGEST = /^(?:[a-z0-9]+:)*([0-9a-f]{12})[0-9a-f]*$/;

// The marks of a figure, in the order of its series, from the data that stands beside it.
function readMarks(block, svg) {
  const data = JSON.parse(block.textContent);
  const bytes = atob(data.digests);
  let taken = 0;
  const hex = () => Array.from(bytes.slice(taken, (taken += 32)), (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const texts = data.texts.map((text) => text.replace(/\u00ad/g, hex));
  const lists = data.lists.map((list) => list.map((at) => texts[at]));
  const elements = {};
  for (const group of svg.querySelectorAll("[data-marks]")) {
    (elements[group.dataset.marks] ??= []).push(...group.children);
  }
  const marks = [];
  const first = [];
  for (const [series, columns] of Object.entries(data.series)) {
    first.push(marks.length);
    columns.label.forEach((label, row) => {
      const mark = { series, row, lines: lists[label], repositories: lists[columns.repositories[row]], users: [] };
      mark.joins = Boolean(columns.joins?.[row]);
      mark.below = columns.below[row];
      mark.element = elements[series]?.[row];
      mark.text = [...mark.lines, ...mark.repositories, ...lists[columns.words[row]]].join(" ").toLowerCase();
      if (mark.joins) mark.element?.classList.add("rv-joins");
      marks.push(mark);
    });
  }
  marks.forEach((mark, at) => {
    mark.below = mark.below.filter((_, place) => place % 2).map((row, pair) => first[mark.below[2 * pair]] + row);
    mark.below.forEach((to) => marks[to].users.push(at));
  });
  return { marks, zoom: data.zoom };
}

function reach(marks, from, way) {
  const found = new Set([from]);
  for (const at of found) marks[at][way].forEach((next) => found.add(next));
  return found;
}

class Explored {
  constructor(figure, block) {
    this.figure = figure;
    this.id = figure.querySelector("figcaption").id;
    this.svg = figure.querySelector("svg");
    Object.assign(this, readMarks(block, this.svg));
    this.at = new Map(this.marks.map((mark, at) => [mark.element, at]));
    this.walk = this.marks.flatMap((mark, at) => (mark.element && !mark.joins ? [at] : []));
    this.hasRepositories = this.marks.some((mark) => mark.repositories.length);
    const { x, y, width, height } = this.svg.viewBox.baseVal;
    this.whole = { x, y, w: width, h: height };
    this.view = { ...this.whole };
    this.lit = new Set();
    this.words = [];
    this.repository = "";
    this.shown = this.pinned = null;
    this.card = make("div", { class: "rv-card", hidden: "" });
    this.said = make("p", { class: "rv-said", role: "status" });
    figure.querySelector(".scroll").after(this.card, this.said);
    this.addTools();
    this.listen();
    this.svg.setAttribute("role", "group"); // a picture would hide what is in it
    this.stop(this.walk[0]);
  }

  addTools() {
    const title = document.getElementById(this.id).textContent;
    this.input = make("input", { type: "search", placeholder: "Find in the figure", "aria-label": "Find in the figure: " + title });
    this.status = make("span", { role: "status" });
    this.link = make("a", { hidden: "", title: "This link opens the page as it is now" }, "Link to this view");
    this.tools = make("div", { class: "rv-tools" }, this.input, this.status, this.link);
    if (this.zoom) {
      const closer = (factor) => () => this.closer(factor);
      this.tools.append(makeButton("+", "Zoom in", closer(1.5)), makeButton("−", "Zoom out", closer(1 / 1.5)));
      this.tools.append(makeButton("Reset", "Reset the zoom: show the whole figure", closer(0)));
      this.svg.classList.add("rv-zoom");
    }
    this.figure.querySelector(".scroll").before(this.tools);
    this.input.addEventListener("input", () => this.find(this.input.value));
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.next(event.shiftKey ? -1 : 1);
    });
  }

  listen() {
    const { svg } = this;
    svg.addEventListener("pointermove", (event) => this.moved(event));
    svg.addEventListener("pointerdown", (event) => this.pressed(event));
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    this.pointers = new Map();
    svg.addEventListener("pointerleave", () => this.leave());
    svg.addEventListener("click", (event) => this.dragged || this.pin(this.pointed(event)));
    svg.addEventListener("focusin", (event) => this.show(this.at.get(event.target) ?? null));
    svg.addEventListener("focusout", () => this.leave());
    if (this.zoom) {
      svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.closer(2 ** (-event.deltaY / 300), this.place(event));
      }, { passive: false });
    }
    this.figure.addEventListener("keydown", (event) => this.pressedKey(event));
  }

  // Where a pointer is, in the coordinates of the figure.
  place({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    const unit = this.view.w / box.width;
    return { x: this.view.x + (clientX - box.left) * unit, y: this.view.y + (clientY - box.top) * unit, unit };
  }

  boxOf(mark) {
    return (mark.box ??= mark.element.getBBox());
  }

  pointed(event) {
    const hit = this.at.get(event.target.closest("[data-marks] > *"));
    if (hit !== undefined && !this.marks[hit].joins) return hit;
    const { x, y, unit } = this.place(event);
    let nearest = hit ?? null;
    let least = NEAR * unit;
    for (const at of this.walk) {
      const box = this.boxOf(this.marks[at]);
      const away = Math.hypot(Math.max(box.x - x, x - box.x - box.width, 0), Math.max(box.y - y, y - box.y - box.height, 0));
      if (away < least) [nearest, least] = [at, away];
    }
    return nearest;
  }

  pressed(event) {
    if (event.button) return;
    this.pointers.set(event.pointerId, event);
    this.dragged = false;
  }

  moved(event) {
    if (!event.buttons) this.pointers.clear(); // released elsewhere
    const before = this.pointers.get(event.pointerId);
    if (!before || !this.zoom) {
      if (event.pointerType !== "touch") this.show(this.pointed(event), event);
      return;
    }
    const other = [...this.pointers.values()].find((each) => each.pointerId !== event.pointerId);
    const apart = (one, two) => Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
    if (!this.dragged && apart(event, before) < 4) return;
    this.dragged = true;
    this.svg.setPointerCapture(event.pointerId);
    if (other) this.closer(apart(event, other) / Math.max(1, apart(before, other)), this.place(other));
    const { unit } = this.place(event);
    const half = other ? 2 : 1;
    this.look(this.view.x - ((event.clientX - before.clientX) * unit) / half, this.view.y - ((event.clientY - before.clientY) * unit) / half, this.view.w);
    this.pointers.set(event.pointerId, event);
  }

  pressedKey(event) {
    const inside = this.svg.contains(event.target);
    if (event.key === "Escape") {
      if (this.card.hidden) return;
      if (this.card.contains(document.activeElement)) this.marks[this.stopped].element.focus();
      this.unpin();
    } else if (event.target === this.input || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(".rv-table")) {
      return;
    } else if (this.zoom && ["+", "=", "-", "0"].includes(event.key)) {
      this.closer({ "-": 1 / 1.5, 0: 0 }[event.key] ?? 1.5);
    } else if (inside && ["Enter", " "].includes(event.key)) {
      this.pin(this.at.get(event.target));
    } else if (event.target.matches(".scroll") && this.zoomed && event.key.startsWith("Arrow")) {
      const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      this.look(this.view.x + (right * this.view.w) / 8, this.view.y + (down * this.view.h) / 8, this.view.w);
    } else if (!inside || !this.step(event.key)) {
      return;
    }
    event.preventDefault();
  }

  // One mark of the figure takes the focus; the arrows lead from it to the others.
  step(key) {
    const last = this.walk.length - 1;
    const here = this.walk.indexOf(this.stopped);
    const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: last }[key];
    if (to === undefined) return false;
    this.stop(this.walk[Math.min(Math.max(to, 0), last)]);
    this.reveal(this.stopped);
    this.marks[this.stopped].element.focus();
    return true;
  }

  stop(at) {
    const before = this.marks[this.stopped]?.element;
    if (at !== this.stopped) ["tabindex", "role", "aria-label", "aria-pressed"].forEach((name) => before?.removeAttribute(name));
    this.stopped = at;
    if (at === undefined) return;
    const { element, lines } = this.marks[at];
    const said = { tabindex: 0, role: "button", "aria-label": lines[0], "aria-pressed": at === this.pinned };
    Object.entries(said).forEach(([name, value]) => element.setAttribute(name, value));
  }

  show(at, pointer) {
    if (this.pinned === null && at !== this.shown) this.describe(at, pointer);
    else if (this.pinned === null && pointer && at !== null) this.put(at, pointer);
    this.shown = at;
    this.paint();
  }

  leave() {
    const focused = this.at.get(document.activeElement);
    this.show(this.svg.contains(document.activeElement) && focused !== undefined ? focused : null);
  }

  pin(at) {
    if (at === null || at === undefined || at === this.pinned) return this.unpin();
    this.pinned = null;
    this.describe(at);
    this.pinned = at;
    this.stop(at);
    this.marks[at].element.focus({ preventScroll: true });
    this.addActions(this.marks[at]);
    this.put(at);
    this.paint();
    remember(this);
  }

  unpin() {
    const was = this.pinned;
    this.pinned = this.shown = null;
    this.stop(this.stopped);
    this.describe(null);
    this.paint();
    if (was !== null) remember(this);
  }

  // Everything that is known of a mark, beside it.
  describe(at, pointer) {
    this.card.hidden = at === null;
    this.card.classList.remove("pinned");
    if (at === null) return this.said.replaceChildren();
    const { lines, repositories } = this.marks[at];
    const named = repositories.slice(0, 6).join(", ") + (repositories.length > 6 ? " and " + number(repositories.length - 6) + " more" : "");
    const of = named && !lines.some((line) => line.includes(named)) ? [(repositories.length > 1 ? "Repositories: " : "Repository: ") + named] : [];
    const [head, ...rest] = [...lines, ...of];
    this.card.replaceChildren(make("b", {}, head), ...rest.map((line) => make("p", {}, line)));
    if (!pointer) this.said.textContent = [head, ...rest].join(". ");
    this.put(at, pointer);
  }

  put(at, pointer) {
    const room = this.figure.getBoundingClientRect();
    const box = pointer ? new DOMRect(pointer.clientX, pointer.clientY, 0, 0) : this.marks[at].element.getBoundingClientRect();
    const { offsetWidth: wide, offsetHeight: high } = this.card;
    const right = Math.max(room.left, Math.min(box.right + 12, room.right - wide));
    const below = box.bottom + 12 + high <= innerHeight || box.top - 12 - high < 0 ? box.bottom + 12 : box.top - 12 - high;
    this.card.style.translate = Math.round(right - room.left) + "px " + Math.round(below - room.top) + "px";
  }

  addActions({ lines, repositories }) {
    const buttons = lines.filter((line) => DIGEST.test(line)).slice(0, 3).map((line) => {
      const [, digest] = DIGEST.exec(line);
      const short = digest.slice(0, digest.lastIndexOf(":") + 13);
      const button = makeButton("Copy " + short, "Copy " + digest, async () => {
        await copyText(digest);
        button.textContent = "Copied " + short;
      });
      return button;
    });
    const [only] = repositories;
    if (repositories.length === 1 && only !== this.repository) {
      buttons.push(makeButton("Only " + only, "Only " + only + ", in every figure and table", () => choose(only)));
    }
    buttons.push(makeButton("Close", "Close the description", () => {
      this.marks[this.stopped].element.focus();
      this.unpin();
    }));
    this.card.classList.add("pinned");
    this.card.append(make("div", {}, ...buttons));
  }

  find(text) {
    this.words = wordsOf(text.slice(0, 200));
    this.input.value = text.slice(0, 200);
    const found = this.found();
    this.status.textContent = this.words.length ? number(found.length) + " of " + number(this.walk.length) + " marks" : "";
    if (this.pinned === null) this.describe(null);
    this.shown = this.turn = null;
    this.paint();
    remember(this);
  }

  found() {
    const has = (text, word) => text.includes(word) || (LONG_DIGEST.test(word) && text.includes(LONG_DIGEST.exec(word)[1]));
    return this.walk.filter((at) => this.words.every((word) => has(this.marks[at].text, word)));
  }

  next(by) {
    const found = this.found();
    if (!this.words.length || !found.length) return;
    this.turn = ((this.turn ?? (by < 0 ? 0 : -1)) + by + found.length) % found.length;
    this.pinned = this.shown = null;
    this.stop(found[this.turn]);
    this.reveal(this.stopped);
    this.describe(this.stopped);
    this.paint();
    this.marks[this.stopped].element.classList.add("rv-here");
    this.marks[this.stopped].element.scrollIntoView({ block: "nearest" });
    this.put(this.stopped);
  }

  only(repository) {
    this.repository = this.hasRepositories ? repository : "";
    this.paint();
  }

  // What stands out: a mark with all it stands on and all that stands on it; else what was looked for.
  paint() {
    const at = this.pinned ?? this.shown;
    let lit = null;
    if (at !== null) lit = new Set([...reach(this.marks, at, "below"), ...reach(this.marks, at, "users")]);
    else if (this.words.length || this.repository) {
      lit = new Set(this.words.length ? this.found() : this.marks.keys());
      if (this.repository) for (const each of lit) this.marks[each].repositories.includes(this.repository) || lit.delete(each);
    }
    this.svg.classList.toggle("rv-some", lit !== null);
    for (const each of this.lit) lit?.has(each) || this.marks[each].element?.classList.remove("rv-lit");
    this.lit = lit ?? new Set();
    for (const each of this.lit) this.marks[each].element?.classList.add("rv-lit");
    this.svg.querySelector(".rv-here")?.classList.remove("rv-here");
    if (at !== null) this.marks[at].element?.classList.add("rv-here");
  }

  get zoomed() {
    return this.view.w < this.whole.w;
  }

  // The middle of what a window shows of it.
  middle() {
    const { left, right, top, bottom } = this.svg.getBoundingClientRect();
    const between = (low, high, most) => (Math.max(low, 0) + Math.min(high, most)) / 2;
    return this.place({ clientX: between(left, right, innerWidth), clientY: between(top, bottom, innerHeight) });
  }

  // Comes closer by a factor (0: back to the whole), around a place that stays where it is.
  closer(factor, around = this.middle()) {
    if (!factor) return this.look(this.whole.x, this.whole.y, this.whole.w);
    const w = Math.min(this.whole.w, Math.max(this.whole.w / CLOSEST, this.view.w / factor));
    const stays = w / this.view.w;
    this.look(around.x - (around.x - this.view.x) * stays, around.y - (around.y - this.view.y) * stays, w);
  }

  look(x, y, w) {
    const { whole } = this;
    const within = (value, low, high) => Math.min(Math.max(value, low), high);
    const h = (w * whole.h) / whole.w;
    this.view = { x: within(x, whole.x, whole.x + whole.w - w), y: within(y, whole.y, whole.y + whole.h - h), w, h };
    this.draw(this.view);
    this.svg.classList.toggle("rv-zoomed", this.zoomed);
    const described = this.pinned ?? this.shown;
    if (described !== null) this.put(described);
    remember(this);
  }

  draw({ x, y, w, h }) {
    this.svg.setAttribute("viewBox", [x, y, w, h].map((value) => Number(value.toFixed(2))).join(" "));
  }

  reveal(at) {
    const { x, y, width, height } = this.boxOf(this.marks[at]);
    const { view } = this;
    const [right, below] = [x + width / 2, y + height / 2];
    const inside = right > view.x && right < view.x + view.w && below > view.y && below < view.y + view.h;
    if (!inside) this.look(right - view.w / 2, below - view.h / 2, view.w);
  }

  // What of this figure a link says.
  state() {
    const { view } = this;
    const said = {};
    if (this.zoomed) said.box = [view.x, view.y, view.w].map((value) => value.toFixed(1)).join(",");
    if (this.words.length) said.find = this.input.value;
    if (this.pinned !== null) said.pin = this.marks[this.pinned].series + ":" + this.marks[this.pinned].row;
    return said;
  }

  restore(said) {
    const [x, y, w] = (said.get("box") ?? "").split(",").map(Number);
    if (this.zoom && [x, y, w].every(Number.isFinite) && w >= this.whole.w / CLOSEST && w <= this.whole.w) this.look(x, y, w);
    else if (this.zoomed) this.closer(0);
    this.find(said.get("find") ?? "");
    const pinned = this.marks.findIndex((mark) => mark.element && mark.series + ":" + mark.row === said.get("pin"));
    if (pinned < 0) this.unpin();
    else if (pinned !== this.pinned) this.pin(pinned);
  }
}
