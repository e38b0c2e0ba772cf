// The alert desk: selection, and a list that takes in changes without moving under the hand.
import { titleBadge } from "./live.js";

const HAND_MS = 4000;
const SAY_MS = 5000;

export function startDesk() {
  if (!document.getElementById("rows")) return null;
  let handAt = -Infinity;
  let waiting = null;
  let running = false;
  let again = false;
  let panelTimer = 0;
  let panelTurn = 0;
  let toSay = 0;

  const rowsOf = (root) => [...root.querySelectorAll(".arow[data-id]")];
  const allRows = () => rowsOf(document.getElementById("list"));
  const selected = () => document.querySelector('.arow[aria-selected="true"]')?.dataset.id
    ?? document.querySelector("#evidence [data-alert]")?.dataset.alert ?? "";
  const inHand = () => Boolean(document.querySelector("[data-actform]")) || performance.now() - handAt < HAND_MS;

  function mark(id) {
    const rows = allRows();
    for (const row of rows) {
      const wanted = row.dataset.id === id;
      if (wanted !== (row.getAttribute("aria-selected") === "true")) row.setAttribute("aria-selected", String(wanted));
      if (row.tabIndex !== (wanted ? 0 : -1)) row.tabIndex = wanted ? 0 : -1;
    }
    if (rows.length && !rows.some((row) => row.tabIndex === 0)) rows[0].tabIndex = 0;
    const place = document.getElementById("position");
    const index = rows.findIndex((row) => row.dataset.id === id);
    place.textContent = index < 0 ? "" : place.dataset.words.replace("{n}", index + 1).replace("{total}", rows.length);
  }

  function choose(id, shouldFocus) {
    mark(id);
    const row = document.getElementById(`alert-${id}`);
    row?.scrollIntoView({ block: "nearest" });
    if (shouldFocus) row?.focus({ preventScroll: true });
    const here = new URL(location.href);
    here.searchParams.set("alert", id);
    history.replaceState(null, "", here);
    // Until its evidence is there no key acts: it would act on the alert that was chosen before.
    document.getElementById("evidence").inert = shown()?.dataset.alert !== id;
    clearTimeout(panelTimer);
    panelTimer = setTimeout(() => showPanel(id), 60);
  }

  // A panel that nobody asked for never takes away a form that is open, or that is on its way.
  const isWritten = () => document.querySelector("[data-actform], #evidence .htmx-request") !== null
    || document.getElementById("evidence").contains(document.activeElement);

  async function showPanel(id, mayWait = () => false) {
    panelTurn += 1;
    const turn = panelTurn;
    const answer = await fetch(`/alerts/${id}/panel`, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const text = await answer.text();
    if (turn !== panelTurn || mayWait()) return;
    const holder = document.getElementById("evidence");
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    holder.replaceChildren(...fresh.childNodes);
    holder.classList.remove("alone");
    holder.inert = false;
    window.htmx.process(holder);
    noteSeen();
  }

  function move(step) {
    const rows = allRows();
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.dataset.id === selected());
    const more = rows[at]?.parentElement.querySelector(".more a");
    if (step > 0 && more && rows[at].parentElement !== rows[at + 1]?.parentElement) { grow(more); return; }
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))];
    choose(next.dataset.id, true);
  }

  // More rows than the list has: its address says how many, so a change asks for as many again.
  async function grow(link) {
    const here = new URL(location.href);
    here.searchParams.set("rows", new URL(link.href).searchParams.get("rows"));
    history.replaceState(null, "", here);
    handAt = -Infinity;
    await refresh();
  }

  // What a list becomes: of a row that the page has (by its sign) the server sends the id alone.
  const planned = (part, present) => [...part.querySelectorAll(".arow[data-id], [data-same]")].map((row) => {
    const id = row.dataset.same ?? row.dataset.id;
    const old = present.get(id);
    const isSame = row.dataset.same !== undefined || old?.dataset.sign === row.dataset.sign;
    return { row: isSame ? old : row, old };
  }).filter((each) => each.row);
  const byId = (rows) => new Map(rows.map((row) => [row.dataset.id, row]));
  const arrivedIn = (plan) => plan.filter((each) => !each.old).map((each) => each.row);

  function takePart(fresh, selector) {
    const old = document.querySelector(selector);
    const part = fresh.querySelector(selector);
    if (!old || !part || old.contains(document.activeElement)) return;
    if (old.innerHTML !== part.innerHTML) {
      const open = new Map([...old.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
      old.innerHTML = part.innerHTML;
      for (const each of old.querySelectorAll("details[id]")) each.open = open.get(each.id) ?? each.open;
    }
  }

  function takePins(fresh) {
    const pins = document.getElementById("pins");
    const part = fresh.querySelector("#pins");
    const present = byId(rowsOf(pins));
    const plan = planned(part, present);
    const [tail, oldTail] = [part, pins].map((each) => each.querySelector(".pinlist > .more"));
    const isMoreSame = tail?.textContent === oldTail?.textContent;
    if (isMoreSame && plan.length === present.size && plan.every((each) => each.row === each.old)) return;
    const arrived = arrivedIn(plan);
    const holder = pins.querySelector(".pinlist");
    if (holder && plan.length) place(holder, [...plan.map((each) => each.row), ...(tail ? [tail] : [])]);
    else pins.replaceChildren(...part.childNodes);
    for (const row of arrived) {
      row.classList.add("new");
      document.getElementById("shout").textContent = row.dataset.summary;
    }
  }

  // How many safety alerts are below what one sees, those that the page has not asked for too.
  function tellPinsBelow() {
    const holder = document.querySelector("#pins .pinlist");
    if (!holder) return;
    const end = holder.getBoundingClientRect().bottom;
    const seen = rowsOf(holder).filter((row) => row.getBoundingClientRect().bottom <= end + 8).length;
    const below = Number(document.querySelector("#pins .pinh .num").textContent) - seen;
    const line = document.querySelector("#pins .pinmore");
    const isLinkSeen = (holder.querySelector(".more")?.getBoundingClientRect().bottom ?? Infinity) <= end + 8;
    line.hidden = below <= 0 || isLinkSeen;
    line.textContent = line.dataset.words.replace("{n}", below);
  }

  // Rows that stay where they are are not touched: only what came, went or moved costs a layout.
  function place(holder, nodes) {
    const kept = new Set(nodes);
    for (const child of [...holder.children]) if (!kept.has(child)) child.remove();
    let next = holder.firstElementChild;
    for (const node of nodes) {
      if (node === next) next = next.nextElementSibling;
      else holder.insertBefore(node, next);
    }
  }

  function takeRows(fresh, mayMove, scrolled) {
    const holder = document.getElementById("rows");
    const part = fresh.querySelector("#rows");
    const plan = planned(part, byId(rowsOf(holder)));
    const arrived = arrivedIn(plan);
    for (const { row, old } of plan) if (old && row !== old) old.replaceWith(row);
    if (mayMove) {
      for (const row of arrived) row.classList.add("new");
      const order = plan.map((each) => each.row);
      const tail = [...part.querySelectorAll(".empty, .more")];
      place(holder, [holder.querySelector(".head"), ...order, ...tail]);
      holder.setAttribute("aria-rowcount", part.getAttribute("aria-rowcount"));
      if (scrolled) holder.scrollTop = scrolled;
      toSay += arrived.length;
    }
    return arrived.length;
  }

  function apply(fresh) {
    const mayMove = !inHand();
    waiting = mayMove ? null : fresh.cloneNode(true); // whole: what is taken now leaves this one
    const focused = document.activeElement?.closest?.(".arow")?.dataset.id;
    const scrolled = document.getElementById("rows").scrollTop; // read before anything moves: no layout is forced
    takePart(fresh, "#list > .tabs");
    takePart(fresh, "#filter .seg");
    takePart(fresh, "#trays");
    takePart(fresh, "#pins .pinh");
    takePins(fresh);
    const arrived = takeRows(fresh, mayMove, scrolled);
    if (focused) document.getElementById(`alert-${focused}`)?.focus({ preventScroll: true });
    const strip = document.getElementById("newstrip");
    strip.hidden = mayMove || arrived === 0;
    strip.textContent = strip.dataset.words.replace("{n}", arrived);
    titleBadge(Number(fresh.dataset.todo));
    mark(selected());
    tellPinsBelow();
  }

  async function refresh() {
    if (running) { again = true; return; }
    running = true;
    try {
      const known = allRows().map((row) => row.dataset.sign).join(",");
      const answer = await fetch(`/alerts/list${location.search}`, { headers: { Accept: "text/html", "X-Known-Rows": known } });
      if (answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
        if (fresh) apply(fresh);
      }
    } catch { /* the banner of the live link says that the server is away */ }
    running = false;
    if (again) { again = false; refresh(); return; }
    renewPanel();
  }

  const shown = () => document.querySelector("#evidence [data-alert]");

  function stateOfRow(panel) {
    const row = panel && document.getElementById(`alert-${panel.dataset.alert}`);
    return row ? `${row.querySelector(".chip .w")?.textContent}|${row.querySelector(".ord .b")?.textContent ?? ""}` : "";
  }

  function noteSeen() {
    if (shown()) shown().dataset.seen = stateOfRow(shown());
  }

  function renewPanel() {
    const now = stateOfRow(shown());
    if (now && now !== shown().dataset.seen && !isWritten()) showPanel(shown().dataset.alert, isWritten);
  }

  const list = document.getElementById("list");
  list.addEventListener("click", (event) => {
    if (event.target.closest(".pinmore")) {
      const holder = document.querySelector("#pins .pinlist");
      holder.scrollBy({ top: Math.max(56, holder.clientHeight - 28) });
      tellPinsBelow();
      return;
    }
    const more = event.target.closest(".more a");
    if (more && !event.ctrlKey && !event.metaKey) { event.preventDefault(); grow(more); return; }
    if (event.target.closest("a, button, form")) return;
    const row = event.target.closest(".arow[data-id]");
    if (row) choose(row.dataset.id, true);
  });
  document.getElementById("rows").addEventListener("pointermove", () => { handAt = performance.now(); });
  document.getElementById("rows").addEventListener("pointerleave", () => { handAt = -Infinity; });
  document.getElementById("newstrip").addEventListener("click", () => { handAt = -Infinity; if (waiting) apply(waiting); });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input:not([type=radio]), textarea, select, dialog")) return;
    const inGrid = event.target.closest(".arow");
    if (event.key === "j" || (inGrid && event.key === "ArrowDown")) { event.preventDefault(); move(1); }
    if (event.key === "k" || (inGrid && event.key === "ArrowUp")) { event.preventDefault(); move(-1); }
    if (inGrid && event.key === "Enter") { event.preventDefault(); choose(inGrid.dataset.id, true); }
  });
  document.addEventListener("desk-changed", refresh);
  document.addEventListener("htmx:after:swap", () => {
    const field = document.querySelector("[data-actform] [autofocus]");
    if (field && !document.activeElement?.closest("[data-actform]")) field.focus();
  });
  setInterval(() => {
    if (waiting && !inHand()) apply(waiting);
  }, 1000);
  setInterval(() => {
    if (!toSay) return;
    document.getElementById("say").textContent = document.getElementById("newstrip").dataset.words.replace("{n}", toSay);
    toSay = 0;
  }, SAY_MS);
  document.getElementById("pins").addEventListener("scroll", tellPinsBelow, true);
  new ResizeObserver(tellPinsBelow).observe(list);
  mark(selected());
  noteSeen();
  titleBadge(Number(list.dataset.todo));
  return { refresh };
}
