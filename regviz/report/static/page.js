"use strict";
// Makes the page's tables sortable and searchable; without it they are plain tables.

const MANY_ROWS = 8;

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

function makeSearchable(table) {
  const rows = Array.from(table.tBodies[0].rows);
  const texts = rows.map((row) => Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase());
  const head = table.closest(".rv-table").querySelector(".head");
  const input = document.createElement("input");
  const status = document.createElement("span");
  input.type = "search";
  input.placeholder = "Search";
  input.setAttribute("aria-label", "Search the rows of " + table.getAttribute("aria-label"));
  status.setAttribute("role", "status");
  head.append(input, status);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      found += !row.hidden;
    });
    status.textContent = words.length ? found.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows" : "";
  });
}

for (const table of document.querySelectorAll(".rv-table table")) {
  makeSortable(table);
  if (table.tBodies[0].rows.length > MANY_ROWS) makeSearchable(table);
}
