// What joins the figures and tables of a page: a repository that is chosen for all of them, and a link to what is seen.

const figures = Array.from(document.querySelectorAll("figure.rv > .rv-marks"), (block) => new Explored(block.parentElement, block));
const VIEW = "#view?";
let chosen = "";
let touched = null; // the figure that a link speaks of
let waiting;

const repositories = new Set(
  [...figures.flatMap((figure) => figure.marks.flatMap((mark) => mark.repositories)), ...tables.flatMap((rows) => rows.repositories?.flat() ?? [])],
);
const field = make("input", { type: "search", placeholder: "All repositories", autocomplete: "off" });
const sentence = make("span", { role: "status" });
const everything = makeButton("Show all", "Show all repositories", () => choose(""));

function addChooser() {
  if (repositories.size < 2) return;
  const names = [...repositories].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  const list = make("datalist", { id: "rv-repositories" }, ...names.map((value) => make("option", { value })));
  const chooser = make("div", { class: "rv-choose" }, make("label", {}, "Repository ", field), list, everything, sentence);
  field.setAttribute("list", list.id);
  everything.hidden = true;
  field.addEventListener("input", () => (repositories.has(field.value) || !field.value) && choose(field.value));
  field.addEventListener("change", () => choose(field.value));
  const contents = document.querySelector("main nav");
  contents ? contents.after(chooser) : document.querySelector("main").prepend(chooser);
}

function choose(name) {
  const known = repositories.has(name);
  chosen = known ? name : "";
  if (field.value !== name) field.value = name;
  figures.forEach((figure) => figure.only(chosen));
  tables.forEach((rows) => rows.only(chosen));
  everything.hidden = !chosen;
  field.closest(".rv-choose")?.classList.toggle("chosen", known);
  sentence.textContent = known ? told() : name && "No repository here is called " + name;
  remember(touched);
}

function told() {
  const marked = figures.filter((figure) => figure.repository).length;
  const filtered = tables.filter((rows) => rows.repository).length;
  return "Highlighted in " + count(marked, "figure") + "; " + count(filtered, "table") + " filtered";
}

const count = (many, noun) => number(many) + " " + noun + (many === 1 ? "" : "s");

// The address says what is seen, so that it can be kept or passed on; nothing in it is trusted.
function remember(figure) {
  touched = figure;
  clearTimeout(waiting); // a browser takes no more than some changes a second
  waiting = setTimeout(() => write(figure), 150);
}

function write(figure) {
  const said = new URLSearchParams(chosen ? { repository: chosen } : {});
  const state = Object.entries(figure?.state() ?? {});
  if (state.length) said.set("figure", figure.id);
  state.forEach(([name, value]) => said.set(name, value));
  const something = String(said);
  const address = something ? VIEW + something : location.pathname + location.search;
  for (const each of figures) {
    each.link.hidden = each !== figure || !state.length;
    each.link.href = address;
  }
  if (something || location.hash.startsWith(VIEW)) history.replaceState(null, "", address);
}

function reopen() {
  if (!location.hash.startsWith(VIEW) || location.hash.length > LONGEST_LINK) return;
  const said = new URLSearchParams(location.hash.slice(VIEW.length));
  const figure = figures.find((each) => each.id === said.get("figure"));
  choose(said.get("repository") ?? "");
  if (figure) {
    figure.figure.scrollIntoView();
    figure.restore(said);
  }
}

addChooser();
addEventListener("hashchange", reopen);
addEventListener("beforeprint", () => figures.forEach((figure) => figure.draw(figure.whole)));
addEventListener("afterprint", () => figures.forEach((figure) => figure.draw(figure.view)));
reopen();
