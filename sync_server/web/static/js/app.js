// Starts the page: what is drawn, what is live, what the keys do.
import { startBoard } from "./board.js";
import { startCharts } from "./chart.js";
import { startClock } from "./clock.js";
import { startDesk } from "./desk.js";
import { startForms } from "./forms.js";
import { startIntake } from "./intake.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startMap } from "./map.js";
import { startRegions } from "./regions.js";
import { startSound } from "./sound.js";

startClock();
// On a telephone the rail is a strip: where one is stands in it without being looked for.
if (matchMedia("(max-width: 760px)").matches) document.querySelector(".rail [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
startCharts();
startKeys();
startSound();
startIntake();
startForms();
startBoard();
const desk = startDesk();
const regions = startRegions();
const town = startMap();
startLive((topics) => {
  if (topics.has("alert") || topics.has("order")) desk?.refresh();
  regions.refresh(topics);
  town.then((map) => map?.refresh(topics));
});
