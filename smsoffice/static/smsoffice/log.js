// The log's filters: the panel stays as it was left, and addresses carry only what was filled in.
"use strict";
{
    const KEY = "smsoffice.log.filters";
    const NARROW = 560;

    const panel = document.getElementById("log-filters");
    if (panel) {
        const inForce = panel.querySelector("summary .so-quiet") !== null;
        const refused = panel.querySelector("[aria-invalid]") !== null;
        const narrow = panel.clientWidth < NARROW;
        if (!refused && (localStorage.getItem(KEY) === "closed" || (narrow && inForce))) {
            panel.open = false;
        }
        panel.querySelector("summary").addEventListener("click", () => {
            localStorage.setItem(KEY, panel.open ? "closed" : "open");
        });
        const form = panel.querySelector("form");
        const unused = () => Array.from(form.elements).filter((field) => field.name && !field.value.trim());
        form.addEventListener("submit", () => unused().forEach((field) => { field.disabled = true; }));
        // Coming back by the browser's Back finds them as they were.
        window.addEventListener("pageshow", () => unused().forEach((field) => { field.disabled = false; }));
    }
}
