// Single keys: a key clicks the visible control that prints it. Off while a field has the focus.
const OFF = "lamplighter.single-keys-off";

function isTyping(target) {
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target.tagName === "INPUT" && !["radio", "checkbox", "button", "submit"].includes(target.type);
}

function isVisible(element) {
  return element.getClientRects().length > 0 && !element.disabled && !element.closest("[inert]");
}

function find(key) {
  const matching = (root) => [...root.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(isVisible);
  const form = document.querySelector("[data-actform]");
  return (form && matching(form)) || matching(document);
}

function escape(event) {
  const form = document.querySelector("[data-actform]");
  if (form) {
    form.remove();
    event.preventDefault();
    document.querySelector('.arow[aria-selected="true"]')?.focus();
  } else if (isTyping(event.target)) {
    event.target.blur();
  }
}

function press(control) {
  if (control.type === "radio") {
    control.checked = true;
    (control.form.querySelector("input:not([type=radio]):not([type=hidden])") || control).focus();
    return;
  }
  control.click();
}

// Lists without keys of their own: j and k go from row to row, Enter follows the row's link.
const OWN_LISTS = "#rows, #board";
let lastRow = "";

function rowLinks() {
  if (document.querySelector(OWN_LISTS)) return [];
  const rows = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a[href]"));
  return [...rows, ...document.querySelectorAll("main a.pickrow")].filter((link) => link && isVisible(link));
}

function goRow(step) {
  const links = rowLinks();
  if (!links.length) return false;
  const row = document.activeElement.closest?.("main tr, main a.pickrow");
  // A list that was drawn anew meanwhile has lost the focus, not the place.
  const at = links.findIndex((link) => (row ? row.contains(link) : link.getAttribute("href") === lastRow));
  const next = links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))];
  lastRow = next.getAttribute("href");
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

export function showRowKeys() {
  for (const each of document.querySelectorAll("[data-rowkeys]")) each.hidden = !rowLinks().length;
}

function areOff() {
  try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (event.key === "Escape") { escape(event); return; }
  if (isTyping(event.target) || document.querySelector("dialog[open]") || areOff()) return;
  const field = [...document.querySelectorAll(`[data-focus-key="${CSS.escape(event.key)}"]`)].find(isVisible);
  if (field) { event.preventDefault(); field.focus(); field.select?.(); return; }
  const control = find(event.key);
  if (control) { event.preventDefault(); press(control); return; }
  // A key that has nothing to do here says why.
  const told = document.querySelector(`[data-told-key="${CSS.escape(event.key)}"]`);
  if (told) { event.preventDefault(); told.textContent = told.dataset.words; return; }
  if ((event.key === "j" || event.key === "k") && goRow(event.key === "j" ? 1 : -1)) event.preventDefault();
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
  const help = document.getElementById("help");
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) help?.showModal();
    const closer = event.target.closest("[data-close]");
    if (closer) { event.preventDefault(); closer.closest("[data-actform]")?.remove(); }
  });
  showRowKeys();
  const box = document.getElementById("single-keys");
  if (!box) return;
  box.checked = !areOff();
  box.addEventListener("change", () => {
    try { localStorage.setItem(OFF, box.checked ? "0" : "1"); } catch { /* a private window keeps nothing */ }
  });
}
