/* The send page: asks the server for the check while somebody types, and puts its answer into the page.
   It has no words and no layout of its own; without it the Check button and the Reload link do the same. */
"use strict";

(() => {
    const form = document.getElementById("so-send");
    if (form) checkWhileTyping(form);
    const checking = document.getElementById("so-checking");
    if (checking) again(checking);

    // ---- the check beside the form

    function checkWhileTyping(form) {
        const PAUSE = 400, SILENCE = 1000;
        const list = form.elements.recipients;
        const said = document.getElementById("so-said");
        let pause, silence, asking;

        form.addEventListener("input", event => { if (event.target.type !== "checkbox") later(); });
        form.addEventListener("change", later);
        form.addEventListener("click", event => {
            const row = event.target.closest("[name=_row]");
            const line = event.target.closest("[data-line]");
            if (row) { event.preventDefault(); ask(row); }
            if (line) { event.preventDefault(); select(Number(line.dataset.line)); }
        });
        form.addEventListener("submit", event => {
            if (event.submitter?.name !== "_check") return;
            event.preventDefault();
            ask(event.submitter);
        });
        if (list.value.trim()) later();

        function later() {
            clearTimeout(pause);
            pause = setTimeout(ask, PAUSE);
        }

        async function ask(button) {
            clearTimeout(pause);
            asking?.abort();
            const mine = asking = new AbortController();
            const facts = new FormData(form);
            if (button) facts.set(button.name, button.value);
            // A file is read once, when its summary is asked for.
            facts.delete("file");
            if (form.elements.file.value) facts.set("has_file", "1");
            try {
                const answer = await fetch("?panel=1", { method: "POST", body: facts, signal: mine.signal });
                // Whatever went wrong, the page itself can say it.
                if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
                const html = await answer.text();
                if (mine === asking) show(new DOMParser().parseFromString(html, "text/html"));
            } catch {
                if (button && !mine.signal.aborted) HTMLFormElement.prototype.submit.call(form);
            }
        }

        function show(pieces) {
            const focused = document.activeElement;
            const name = focused?.id || "", row = focused?.name === "_row" ? focused.value : "";
            for (const piece of pieces.body.children) {
                const place = document.getElementById(piece.id);
                if (!place || place.innerHTML === piece.innerHTML) continue;
                if (place === said) say(piece.textContent);
                else if (place.id !== "so-values") place.replaceChildren(...piece.childNodes);
                else if (names(place) !== names(piece)) place.replaceChildren(...piece.childNodes);
            }
            if (name && document.activeElement?.id !== name) document.getElementById(name)?.focus();
            if (row && document.activeElement?.value !== row) refocus(focused);
        }

        // What is typed into the values stays as it is while their fields stay the same.
        function names(place) {
            return [...place.querySelectorAll("input, .so-label")].map(one => one.name || one.textContent).join();
        }

        function refocus(button) {
            const label = button.getAttribute("aria-label");
            const place = document.querySelector(label ? `[name=_row][aria-label="${CSS.escape(label)}"]` : "[name=_row]");
            (place && !place.disabled ? place : document.getElementById("so-row-number"))?.focus();
        }

        function say(sentence) {
            clearTimeout(silence);
            silence = setTimeout(() => { said.textContent = sentence; }, SILENCE - PAUSE);
        }

        function select(number) {
            const lines = list.value.split("\n");
            const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
            list.focus();
            list.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
            list.scrollTop = (number - 3) * (list.scrollHeight / Math.max(lines.length, 1));
        }
    }

    // ---- the progress of a long check

    function again(checking) {
        setTimeout(async () => {
            try {
                if (document.visibilityState === "visible") {
                    const answer = await fetch(location.href);
                    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                    const news = page.getElementById("so-checking");
                    if (!news) return location.reload();
                    checking.replaceChildren(...news.childNodes);
                }
            } catch { /* The next time may do. */ }
            again(checking);
        }, Number(checking.dataset.again));
    }
})();
