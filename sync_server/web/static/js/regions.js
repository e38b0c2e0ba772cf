// A page that is not the desk: the part that shows a topic is fetched again when the topic changed.
const PAUSE_MS = 400;

export function startRegions() {
  let timer = 0;
  const renew = async () => {
    const region = document.getElementById("live-region");
    if (!region || region.querySelector("input:focus, textarea:focus, select:focus")) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live-region");
    if (!fresh) return;
    const scrolled = region.querySelector(".scroll")?.scrollTop ?? 0;
    region.replaceWith(fresh);
    const scroller = fresh.querySelector(".scroll");
    if (scroller) scroller.scrollTop = scrolled;
    window.htmx?.process(fresh);
  };
  return {
    refresh(topics) {
      const wanted = document.getElementById("live-region")?.dataset.topics?.split(" ") ?? [];
      if (!wanted.some((topic) => topics.has(topic))) return;
      clearTimeout(timer);
      timer = setTimeout(renew, PAUSE_MS);
    },
  };
}
