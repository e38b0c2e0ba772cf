// The live link: server-sent events that resume where they were lost, and the banner when they are.
import { clockWords, momentWords, setSiteNow, siteNow } from "./clock.js";
import { soundFor } from "./sound.js";

const SILENCE_MS = 8000;
const RETRY_MS = 2000;
// A link that was cut, not only silent, has this long to come back before the page says so.
const GRACE_MS = 3000;
// The first change of a burst is shown at once, the others together after this pause.
const BURST_MS = 150;
const BADGES_MS = 200;
const body = document.body;

export function startLive(onTopics) {
  const mark = document.getElementById("live");
  if (!mark || body.dataset.feed === undefined) return;
  let last = Number(body.dataset.feed);
  let heard = performance.now();
  let state = "wait";
  let source = null;
  let waiting = new Set();
  let timer = 0;
  let quietUntil = 0;
  let badgeTimer = 0;

  // Detection that stands still is no "Live", however well the link holds; 0: it never looked.
  const mind = (lookedMs) => {
    const notice = document.getElementById("undetected");
    if (!notice) return;
    const at = document.getElementById("undetected-at");
    if (lookedMs) at.textContent = at.dataset.words.replace("{time}", momentWords(lookedMs));
    notice.hidden = lookedMs === undefined;
  };

  const name = () => {
    const stands = document.getElementById("undetected")?.hidden === false;
    const told = state === "live" && stands ? "undetected" : state;
    mark.className = `it live ${{ live: "", undetected: "lost" }[told] ?? told}`;
    const words = body.dataset[`${told}Words`];
    const shown = mark.querySelector(".lw");
    if (shown.textContent !== words) shown.textContent = words;
  };

  const show = (next) => {
    const wasLost = state === "lost";
    const isSame = next === state;
    state = next;
    name();
    if (isSame) return;
    const banner = document.getElementById("lost");
    if (!banner) return;
    banner.hidden = next !== "lost";
    document.getElementById("desk").classList.toggle("stale", next === "lost");
    if (next === "lost") {
      const at = document.getElementById("lost-at");
      at.textContent = at.dataset.words.replace("{time}", clockWords(siteNow()));
    } else if (wasLost) {
      flush(new Set(["alert", "order", "gateway", "quarantine", "review", "request", "call", "shift"]));
    }
  };

  const flush = (topics) => {
    quietUntil = performance.now() + BURST_MS;
    onTopics(topics);
    clearTimeout(badgeTimer);
    badgeTimer = setTimeout(badges, BADGES_MS);
  };

  const onFeed = (event) => {
    heard = performance.now();
    last = Math.max(last, Number(event.lastEventId) || 0);
    waiting.add(event.data);
    if (timer) return;
    timer = setTimeout(() => { timer = 0; const topics = waiting; waiting = new Set(); flush(topics); }, Math.max(0, quietUntil - performance.now()));
  };

  const onBeat = (event) => {
    heard = performance.now();
    const [now, looked] = event.data.split(" ").map(Number);
    setSiteNow(now);
    mind(looked);
    show("live");
  };

  const connect = () => {
    source?.close();
    source = new EventSource(`/live?after=${last}`);
    source.addEventListener("feed", onFeed);
    source.addEventListener("beat", onBeat);
    source.onerror = () => {
      heard = Math.min(heard, performance.now() - SILENCE_MS + GRACE_MS);
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    };
  };

  setInterval(() => { if (performance.now() - heard > SILENCE_MS) show("lost"); }, 500);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();
}

async function badges() {
  const answer = await fetch("/badges", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const counts = await answer.json();
  for (const each of document.querySelectorAll("[data-badge]")) each.textContent = counts[each.dataset.badge] || "";
  soundFor(counts.safety);
  const pill = document.getElementById("safety-pill");
  titleBadge(counts.alerts);
  if (!pill) return; // whoever sees no alerts
  pill.hidden = !counts.safety;
  pill.querySelector("b").textContent = counts.safety;
}

const plainTitle = document.title;
export function titleBadge(count) {
  document.title = count ? `(${count}) ${plainTitle}` : plainTitle;
}
