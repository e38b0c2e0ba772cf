// The intake: what is known is looked up while one types; every way to send has its key.
const PAUSE_MS = 120;

export function startIntake() {
  const form = document.getElementById("intake");
  if (!form) return;
  let timer = 0;
  let turn = 0;
  const begun = performance.now();

  const fields = () => {
    const data = new FormData(form);
    const wanted = new URLSearchParams();
    for (const name of ["line", "phone", "name", "address", "call", "home_for"]) wanted.set(name, data.get(name) ?? "");
    for (const name of ["cls", "prio", "home"]) {
      const chosen = form.querySelector(`input[name="${name}"][data-by-hand]:checked`);
      if (chosen) wanted.set(name, chosen.value);
    }
    return wanted;
  };

  // What the agent chose by hand stays chosen in the fresh part; the rest follows the line.
  const keep = (look) => {
    const kept = {};
    for (const box of look.querySelectorAll("input[name=promise], input[name=major], input[name=triage], input[name=no_danger]")) kept[`${box.name}=${box.value}`] = box.checked;
    const answer = look.querySelector("#answer")?.value ?? "";
    const crew = look.querySelector("#crew")?.dataset.byHand ? look.querySelector("#crew").value : "";
    const byHand = [...look.querySelectorAll("[data-by-hand]")].map((each) => [each.name, each.value]);
    const focused = look.contains(document.activeElement) ? document.activeElement : null;
    return { kept, answer, crew, byHand, focus: focused && { id: focused.id, name: focused.name, value: focused.value } };
  };

  const restore = (look, state) => {
    for (const [name, value] of state.byHand) {
      const box = look.querySelector(`input[name="${name}"][value="${CSS.escape(value)}"]`);
      if (box) box.dataset.byHand = "1";
    }
    for (const box of look.querySelectorAll("input[name=promise], input[name=major], input[name=triage], input[name=no_danger]")) {
      const known = state.kept[`${box.name}=${box.value}`];
      if (known !== undefined) box.checked = known;
    }
    const answer = look.querySelector("#answer");
    if (answer && state.answer) answer.value = state.answer;
    const crew = look.querySelector("#crew");
    if (crew && state.crew) { crew.value = state.crew; crew.dataset.byHand = "1"; }
    if (!state.focus) return;
    const { id, name, value } = state.focus;
    (id ? document.getElementById(id) : look.querySelector(`[name="${name}"][value="${CSS.escape(value)}"]`))?.focus();
  };

  const look = async () => {
    turn += 1;
    const mine = turn;
    const answer = await fetch(`${form.dataset.look}?${fields()}`, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected || mine !== turn) return;
    const holder = document.getElementById("look");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (mine !== turn) return;
    const state = keep(holder);
    holder.replaceChildren(...fresh.childNodes);
    restore(holder, state);
    holder.dataset.turn = String(mine);
  };

  const soon = () => { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); };

  form.addEventListener("input", (event) => {
    if (["line", "phone", "address"].includes(event.target.name)) soon();
  });
  form.addEventListener("change", (event) => {
    if (["cls", "prio", "home"].includes(event.target.name)) {
      for (const each of form.querySelectorAll(`input[name="${event.target.name}"]`)) delete each.dataset.byHand;
      event.target.dataset.byHand = "1";
      look();
    }
    if (event.target.id === "crew") event.target.dataset.byHand = "1";
  });

  const moveHome = (step) => {
    const homes = [...form.querySelectorAll("input[name=home]")];
    if (!homes.length) return;
    const at = homes.findIndex((each) => each.checked);
    const next = homes[at < 0 ? (step > 0 ? 0 : homes.length - 1) : Math.min(homes.length - 1, Math.max(0, at + step))];
    next.checked = true;
    next.dispatchEvent(new Event("change", { bubbles: true }));
  };

  document.addEventListener("keydown", (event) => {
    const hot = event.ctrlKey && event.key === "Enter" ? "Ctrl+Enter" : event.key;
    const control = [...document.querySelectorAll(`[data-hot="${CSS.escape(hot)}"]`)].find((each) => each.getClientRects().length);
    if (control && (hot.startsWith("F") || hot === "Ctrl+Enter") && hot.length > 1) {
      event.preventDefault();
      if (["A", "BUTTON"].includes(control.tagName)) control.click();
      else { control.focus(); control.select?.(); }
      return;
    }
    if (event.target.id === "line" && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      moveHome(event.key === "ArrowDown" ? 1 : -1);
    }
  });

  // Enter in the line sends what the server proposes for the line as it stands now.
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) { event.preventDefault(); return; }
    isSent = true;
    clearTimeout(timer);
    for (const name of ["cls", "prio", "home"]) {
      for (const each of form.querySelectorAll(`input[name="${name}"]`)) {
        if (!each.dataset.byHand) each.disabled = true;
      }
    }
  });

  const taking = document.getElementById("taking");
  setInterval(() => {
    const seconds = Math.floor((performance.now() - begun) / 1000);
    taking.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    taking.classList.toggle("warn", seconds > 30);
  }, 1000);
}
