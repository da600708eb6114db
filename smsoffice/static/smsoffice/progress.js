// Keeps the numbers of a bulk send, or of a cancellation, fresh while somebody looks at them and there is more to come.
// All that is shown and spoken is the server's.

const EVERY = 10_000;

const region = document.getElementById("so-progress");
const spoken = document.getElementById("so-spoken");
let timer = 0;

const numbers = () => region.firstElementChild;
const goesOn = () => "goesOn" in numbers().dataset;

function show(name, is_shown) {
    for (const words of region.querySelectorAll(`[data-says=${name}]`)) words.hidden = !is_shown;
}

function swap(fresh) {
    const held = document.activeElement;
    const id = region.contains(held) ? held.id : "";
    const news = fresh.dataset.milestone !== numbers().dataset.milestone;
    region.replaceChildren(document.adoptNode(fresh));
    // What had the focus may be gone with its state: another button in its place must not be pressed for it.
    if (id) (document.getElementById(id) || document.getElementById("so-head")).focus({ preventScroll: true });
    if (news) spoken.textContent = fresh.querySelector("[data-milestone-words]").textContent;
}

async function ask() {
    const answer = await fetch(region.dataset.numbers);
    // Who was logged out is led to the login page: there is nothing more to ask.
    if (answer.redirected || answer.status === 403) return { over: true };
    if (!answer.ok) return {};
    return { fresh: new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("so-numbers") };
}

async function refresh() {
    const { fresh, over } = await ask().catch(() => ({}));
    // A button that is being pressed must not be taken from under the finger.
    if (fresh && !region.querySelector(":active")) swap(fresh);
    show("stale", !fresh);
    show("refreshing", Boolean(fresh));
    if (!over) wait(EVERY);
}

function wait(milliseconds) {
    clearTimeout(timer);
    if (goesOn() && document.visibilityState === "visible") timer = setTimeout(refresh, milliseconds);
}

if (numbers() && goesOn()) {
    show("refreshing", true);
    wait(EVERY);
    document.addEventListener("visibilitychange", () => wait(0));
}
