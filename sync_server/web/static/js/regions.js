// A page that is not the desk: the part that shows a topic is fetched again when the topic changed.
// What somebody began to fill in is never taken away: it waits until the fields are as they came.
import { showRowKeys } from "./keys.js";

const PAUSE_MS = 400;
const AGAIN_MS = 5000;

function isChanged(field) {
  if (field.tagName === "SELECT") {
    const first = [...field.options].findIndex((option) => option.defaultSelected);
    return field.multiple
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.selectedIndex !== Math.max(0, first);
  }
  if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  return field.type !== "hidden" && field.value !== field.defaultValue;
}

function isInHand(region) {
  return region.querySelector("input:focus, textarea:focus, select:focus") !== null
    || [...region.querySelectorAll("input, textarea, select")].some(isChanged);
}

function keepOpen(region, fresh) {
  const before = [...region.querySelectorAll("details")];
  const after = [...fresh.querySelectorAll("details")];
  if (before.length === after.length) after.forEach((each, place) => { each.open = before[place].open; });
}

// What stands beside the region, the keys below the page among it, says the same state as it does.
function renewBeside(page) {
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && !isInHand(old) && old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
  }
  showRowKeys();
}

// What had the focus has it afterwards: a card in hand stays in hand while others move.
function placeOfFocus(region) {
  const focused = document.activeElement;
  if (!region.contains(focused)) return "";
  const name = ["id", "data-order", "href"].find((each) => focused.hasAttribute(each));
  return name ? `[${name}="${CSS.escape(focused.getAttribute(name))}"]` : "";
}

export function startRegions() {
  let timer = 0;
  const later = (pause) => { clearTimeout(timer); timer = setTimeout(renew, pause); };
  const renew = async () => {
    const region = document.getElementById("live-region");
    if (!region) return;
    if (isInHand(region)) { later(AGAIN_MS); return; }
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live-region");
    if (!fresh) return;
    if (isInHand(region)) { later(AGAIN_MS); return; }
    keepOpen(region, fresh);
    const scrolled = region.querySelector(".scroll")?.scrollTop ?? 0;
    const focus = placeOfFocus(region);
    region.replaceWith(fresh);
    renewBeside(page);
    if (focus) fresh.querySelector(focus)?.focus({ preventScroll: true });
    const scroller = fresh.querySelector(".scroll");
    if (scroller) scroller.scrollTop = scrolled;
    window.htmx?.process(fresh);
  };
  return {
    refresh(topics) {
      const wanted = document.getElementById("live-region")?.dataset.topics?.split(" ") ?? [];
      if (!wanted.some((topic) => topics.has(topic))) return;
      later(PAUSE_MS);
    },
  };
}
