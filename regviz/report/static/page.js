"use strict";
// Makes the page's tables sortable and searchable, and their rows ready to be taken along; without it they are plain tables.

const MANY_ROWS = 8;

const number = (count) => count.toLocaleString("en");

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children);
  return element;
}

function makeButton(text, label, action) {
  const button = make("button", { type: "button", "aria-label": label, title: label }, text);
  button.addEventListener("click", action);
  return button;
}

const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

function sortKey(row, column) {
  const cell = row.cells[column];
  if (cell.classList.contains("na")) return null;
  return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
}

function compare(one, other) {
  return typeof one === "number" && typeof other === "number"
    ? one - other
    : String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [sortKey(row, column), row]);
  rows.sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return direction * compare(one, other);
  });
  body.append(...rows.map(([, row]) => row));
}

function makeSortable(table) {
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numbersFirst = head.classList.contains("n") ? "descending" : "ascending";
      const other = { ascending: "descending", descending: "ascending" };
      const order = other[head.getAttribute("aria-sort")] ?? numbersFirst;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      sortBy(table, column, order === "ascending" ? 1 : -1);
    });
  });
}

// What a cell says in full: bytes to the last one, whole digests, times as ISO 8601 has them.
function wholeText(cell) {
  return cell.title || cell.textContent;
}

function exactValue(cell, kind) {
  if (cell.classList.contains("na")) return "";
  if (cell.classList.contains("t")) return cell.title.replace(" UTC", "+00:00").replace(" ", "T");
  if (cell.dataset.v !== undefined) return cell.dataset.v;
  if (kind === "flag") return String(cell.textContent === "yes");
  const text = wholeText(cell);
  return /^[=+\-@\t\r]/.test(text) ? "'" + text : text; // no spreadsheet takes it for a formula
}

const csvField = (text) => (/[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
const tsvField = (text) => text.replace(/[\t\r\n]+/g, " ");

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", {}, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // where a page from a file has no clipboard
    area.remove();
  }
}

function saveText(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// The rows of a table: which are shown, by words and by repository, and what is taken along of them.
class Rows {
  constructor(table) {
    this.table = table;
    this.caption = table.getAttribute("aria-label");
    this.heads = Array.from(table.tHead.rows[0].cells, (head) => ({
      name: head.dataset.name ?? head.textContent,
      kind: head.dataset.kind,
    }));
    this.all = Array.from(table.tBodies[0].rows);
    this.texts = this.all.map((row) => Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase());
    const columns = this.heads.flatMap((head, at) => (/^(other_)?repository$/.test(head.name) ? [at] : []));
    this.repositories = columns.length ? this.all.map((row) => columns.map((at) => wholeText(row.cells[at]))) : null;
    this.words = [];
    this.repository = "";
    this.addControls(table.closest(".rv-table").querySelector(".head"));
  }

  addControls(head) {
    if (this.all.length > MANY_ROWS) {
      const input = make("input", { type: "search", placeholder: "Search", "aria-label": "Search the rows of " + this.caption });
      input.addEventListener("input", () => {
        this.words = wordsOf(input.value);
        this.show();
      });
      head.append(input);
    }
    this.status = make("span", { role: "status" });
    const copy = makeButton("Copy", "Copy the rows of " + this.caption, async () => {
      await copyText(this.text(tsvField, "\t"));
      this.status.textContent = "Copied " + number(this.shown().length) + " rows";
    });
    const name = this.caption.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 80);
    const save = makeButton("CSV", "CSV file of the rows of " + this.caption, () => {
      saveText((name || "table") + ".csv", this.text(csvField, ","));
    });
    head.append(this.status, make("span", { class: "take" }, copy, save));
    const there = Number(this.table.dataset.rows ?? this.all.length);
    if (there > this.all.length) head.lastChild.append("of the first " + number(this.all.length) + " of " + number(there) + " rows");
  }

  shown() {
    return Array.from(this.table.tBodies[0].rows).filter((row) => !row.hidden);
  }

  show() {
    let found = 0;
    this.all.forEach((row, at) => {
      const here = !this.repository || this.repositories[at].includes(this.repository);
      row.hidden = !(here && this.words.every((word) => this.texts[at].includes(word)));
      found += !row.hidden;
    });
    const of = this.repository ? " of " + this.repository : "";
    const some = this.words.length || this.repository;
    this.status.textContent = some ? number(found) + " of " + number(this.all.length) + " rows" + of : "";
  }

  only(repository) {
    if (!this.repositories) return;
    this.repository = repository;
    this.show();
  }

  text(field, between) {
    const line = (values) => values.map(field).join(between) + "\n";
    const rows = this.shown().map((row) => Array.from(row.cells, (cell, at) => exactValue(cell, this.heads[at].kind)));
    return line(this.heads.map((head) => head.name)) + rows.map(line).join("");
  }
}

const tables = Array.from(document.querySelectorAll(".rv-table table"), (table) => {
  const rows = new Rows(table);
  makeSortable(table);
  return rows;
});
