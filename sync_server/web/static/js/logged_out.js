// A form met an ended session: once its person has logged in again it comes back as it was sent.
import { bringBack } from "./forms.js";

bringBack();
