// A refused form comes back as it was sent: what was typed is kept until another page is shown.
const KEY = "lamplighter.sent";
const BACK = "lamplighter.back";

function keep(form) {
  const secret = new Set([...form.querySelectorAll("[type=password]")].map((each) => each.name));
  const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !secret.has(name));
  sessionStorage.setItem(KEY, JSON.stringify({ who: document.body.dataset.who, page: location.href, action: form.getAttribute("action"), fields }));
}

// A page that was made anew shows what it knows: there only empty fields are filled.
function fill(form, fields, isWhole) {
  const left = fields.slice();
  const take = (name, fits) => {
    const place = left.findIndex(([each, value]) => each === name && fits(value));
    return place < 0 ? null : left.splice(place, 1)[0][1];
  };
  for (const field of form.elements) {
    if (!field.name || ["hidden", "file", "password", "submit", "button"].includes(field.type)) continue;
    const isText = !["radio", "checkbox", "select-one", "select-multiple"].includes(field.type);
    if (!isWhole && (!isText || field.value)) continue;
    if (["radio", "checkbox"].includes(field.type)) field.checked = take(field.name, (value) => value === field.value) !== null;
    else if (field.multiple) for (const each of field.options) each.selected = take(field.name, (value) => value === each.value) !== null;
    else field.value = take(field.name, () => true) ?? field.value;
    if (isText) field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

// The next page of ours is the one that the form was sent from.
export function bringBack() {
  sessionStorage.setItem(BACK, "1");
}

export function startForms() {
  const back = document.querySelector("[data-back]");
  if (back) {
    back.addEventListener("click", (event) => {
      event.preventDefault();
      bringBack();
      history.back();
    });
    return;
  }
  const sent = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  const isBack = sessionStorage.getItem(BACK) && sent?.page === location.href;
  for (const each of [KEY, BACK]) sessionStorage.removeItem(each);
  if (sent?.who === document.body.dataset.who && (isBack || document.querySelector("main .err[role=alert]"))) {
    const form = [...document.forms].find((each) => each.method === "post" && each.getAttribute("action") === sent.action);
    if (form) fill(form, sent.fields, isBack);
  }
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.method === "post") keep(event.target);
  });
}
