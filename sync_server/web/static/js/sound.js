// Two tones when a new safety alert comes in, also in a background tab; the badge and the title say the same.
const OFF = "lamplighter.sound-off";
const TONES_HZ = [880, 660];
const TONE_S = 0.22;

let audio = null;
let known = null;

function isOff() {
  try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
}

function play() {
  audio ??= new AudioContext();
  audio.resume();
  TONES_HZ.forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    const from = audio.currentTime + index * TONE_S;
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.25, from);
    loud.gain.exponentialRampToValueAtTime(0.001, from + TONE_S);
    tone.connect(loud).connect(audio.destination);
    tone.start(from);
    tone.stop(from + TONE_S);
  });
  document.getElementById("sound")?.setAttribute("data-played", String(Date.now()));
}

export function soundFor(count) {
  const before = known ?? Number(document.querySelector("#safety-pill b")?.textContent || 0);
  known = count;
  if (count > before && !isOff()) play();
}

export function startSound() {
  const button = document.getElementById("sound");
  if (!button) return;
  const show = () => {
    button.setAttribute("aria-pressed", isOff() ? "false" : "true");
    button.querySelector("span").textContent = button.dataset[isOff() ? "off" : "on"];
  };
  button.addEventListener("click", () => {
    try { localStorage.setItem(OFF, isOff() ? "0" : "1"); } catch { /* a private window keeps nothing */ }
    show();
    if (!isOff()) play();
  });
  show();
}
