/**
 * Makes the form of a source handy: another kind shows its fields at once, rows are added and taken away, and a test
 * leaves what is typed alone. Without it, the same buttons do the same by loading the page.
 */

// A test takes five seconds, and its feed some more to begin and to end.
const PATIENCE_MS = 30_000;
const form = document.querySelector("form:has(#config-form)");

/**
 * Posts the form as a button of it would, and returns the page that comes back.
 * @param {string} button
 * @returns {Promise<Document>}
 */
function post(button) {
  const typed = new FormData(/** @type {HTMLFormElement} */ (form));
  typed.append(button, "1");
  return new Promise((resolve, reject) => {
    // Not fetch: this one makes a document of the answer by itself, and no text is ever turned into markup here.
    const request = new XMLHttpRequest();
    request.open("POST", location.href);
    request.responseType = "document";
    request.timeout = PATIENCE_MS;
    request.onload = () =>
      request.status === 200 && request.responseXML?.getElementById("config-form")
        ? resolve(request.responseXML)
        : reject(new Error(`The site answered with ${request.status}. Load the page again.`));
    request.onerror = () => reject(new Error("The site does not answer. Is it running?"));
    request.ontimeout = () => reject(new Error("The site did not answer in time."));
    request.send(typed);
  });
}

/** @param {string} id @param {Document} page */
function take(id, page) {
  const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
  if (old) old.replaceWith(fresh ? document.importNode(fresh, true) : old.cloneNode(false));
}

/** @param {Error} error */
function complain(error) {
  const line = document.createElement("p");
  line.className = "config__bad";
  line.textContent = error.message;
  document.getElementById("config-result")?.replaceChildren(line);
}

/** @param {string} button @param {(page: Document) => void} show */
async function ask(button, show) {
  const config = document.getElementById("config-form");
  config?.setAttribute("aria-busy", "true");
  try {
    show(await post(button));
  } catch (error) {
    complain(/** @type {Error} */ (error));
  } finally {
    document.getElementById("config-form")?.removeAttribute("aria-busy");
  }
}

/** Shows what only makes sense with this script, and hides what it does by itself. */
function enhance() {
  for (const button of document.querySelectorAll("[data-config=add], [data-config=remove]")) button.hidden = false;
  document.querySelector("[data-config=switch]")?.setAttribute("hidden", "");
  const test = document.querySelector("[data-config=test]");
  // So that the return key in a field saves, as it does in every other form.
  if (test instanceof HTMLButtonElement) test.type = "button";
}

function switchKind() {
  ask("_redraw", (page) => {
    take("config-form", page);
    enhance();
  });
}

function test() {
  const result = document.getElementById("config-result");
  const button = /** @type {HTMLButtonElement} */ (document.querySelector("[data-config=test]"));
  if (!result || button.disabled) return;
  const line = document.createElement("p");
  line.textContent = "Testing, for up to 5 seconds …";
  result.replaceChildren(line);
  button.disabled = true;
  ask("_test", (page) => {
    take("config-result", page);
    for (const { id } of document.querySelectorAll(".config__errors")) take(id, page);
    if (!page.querySelector("#config-result p")) complain(new Error("What is wrong stands at its field."));
  }).finally(() => (button.disabled = false));
}

/** Adds a row with a number that none has had. @param {Element} rows */
function addRow(rows) {
  const number = String(Math.max(-1, ...numbers(rows)) + 1);
  const blank = /** @type {HTMLTemplateElement} */ (rows.querySelector("template"));
  const row = /** @type {DocumentFragment} */ (blank.content.cloneNode(true));
  for (const part of row.querySelectorAll("[name], [id], [for]"))
    for (const name of ["name", "id", "for"]) {
      const text = part.getAttribute(name);
      if (text) part.setAttribute(name, text.replace(".9999.", `.${number}.`));
    }
  for (const button of row.querySelectorAll("[data-config=remove]")) button.hidden = false;
  const first = /** @type {HTMLElement | null} */ (row.querySelector("input, select, textarea"));
  blank.before(row);
  first?.focus();
}

/** @param {Element} rows */
function numbers(rows) {
  return [...rows.querySelectorAll("[name]")].map((part) => Number(/\.(\d+)\.\w+$/.exec(part.getAttribute("name") ?? "")?.[1] ?? -1));
}

if (form) {
  enhance();
  form.querySelector("#id_kind")?.addEventListener("change", switchKind);
  form.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-config]");
    const does = button?.getAttribute("data-config");
    if (does === "test") test();
    else if (does === "add") addRow(/** @type {Element} */ (button?.closest("[data-config=rows]")));
    else if (does === "remove") button?.closest(".config__row")?.remove();
  });
}
