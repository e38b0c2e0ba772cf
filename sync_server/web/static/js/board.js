// The dispatch board: a card is sent to a crew by dragging it or by the key of the lane.
export function startBoard() {
  const holder = () => document.getElementById("board");
  if (!holder()) return;
  const say = (text) => {
    const place = document.getElementById("board-problem");
    place.textContent = text;
    place.hidden = !text;
  };
  const send = async (order, crew) => {
    if (!order || !crew || holder().dataset.canSend !== "1") return;
    const answer = await fetch(`/orders/${order}/assign`, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ crew }),
      redirect: "follow",
    }).catch(() => null);
    if (answer?.ok) { say(""); return; }
    const text = await answer?.text().catch(() => "");
    let told = "";
    try { told = JSON.parse(text).text; } catch { told = new DOMParser().parseFromString(text ?? "", "text/html").querySelector(".err")?.textContent ?? ""; }
    say(told || "—");
  };
  const cards = () => [...holder().querySelectorAll(".card")];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
    const card = document.activeElement?.closest?.(".card");
    if (event.key === "j" || event.key === "k") {
      const all = cards();
      const at = all.indexOf(card);
      const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
      next?.focus();
      next?.scrollIntoView({ block: "nearest", inline: "nearest" });
      event.preventDefault();
    } else if (card && event.key === "Enter" && event.target === card) {
      location.href = card.querySelector("a").href;
    } else if (card && /^[1-9]$/.test(event.key)) {
      const lane = holder().querySelector(`[data-lane-key="${event.key}"]`);
      if (lane) { event.preventDefault(); send(card.dataset.order, lane.dataset.crew); }
    }
  });
  // Crews of which nobody holds the skill are dimmed while a card is in hand.
  const dim = (card) => {
    const fit = card?.dataset.fit ?? "*";
    const ids = fit.split(" ");
    for (const lane of holder().querySelectorAll(".lane[data-crew]")) {
      lane.classList.toggle("unfit", Boolean(lane.dataset.crew) && fit !== "*" && !ids.includes(lane.dataset.crew));
    }
  };
  document.addEventListener("focusin", (event) => dim(event.target.closest?.(".card")));
  document.addEventListener("dragend", () => dim(null));
  let dragged = "";
  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest?.(".card");
    if (!card) return;
    dragged = card.dataset.order;
    dim(card);
    event.dataTransfer.setData("text/plain", dragged);
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    const lane = event.target.closest?.(".lane");
    for (const each of holder().querySelectorAll(".lane.over")) if (each !== lane) each.classList.remove("over");
    if (!lane?.dataset.crew || !dragged) return;
    event.preventDefault();
    lane.classList.add("over");
  });
  document.addEventListener("drop", (event) => {
    const lane = event.target.closest?.(".lane");
    if (!lane?.dataset.crew || !dragged) return;
    event.preventDefault();
    lane.classList.remove("over");
    send(dragged, lane.dataset.crew);
    dragged = "";
  });
}
