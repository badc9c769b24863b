// What every page does.
import "./theme-toggle.js";
import "./time.js";
import "./countdown.js";
import "./keys.js";
import "./toast.js";
import "./form.js";
import "./badge.js";
