/* The template editor: asks the server for the preview while somebody types, and puts its answer into the page.
   It has no words and no layout of its own; without it the Preview button does the same. */
"use strict";

(() => {
    const editor = document.querySelector("[data-preview-url]");
    const form = editor.closest("form");
    const body = form.elements.body;
    const variables = form.elements.variables;
    const list = editor.querySelector("[data-django-jsonform-container]");
    const said = document.getElementById("so-said");
    const PAUSE = 300, SILENCE = 1000;
    let pause, silence, asking;

    form.classList.add("so-live");

    // ---- asking

    function later() {
        clearTimeout(pause);
        pause = setTimeout(ask, PAUSE);
    }

    async function ask() {
        asking?.abort();
        const mine = asking = new AbortController();
        const typed = body ? { body: body.value, variables: variables ? variables.value : [] } : {};
        const facts = {
            ...typed,
            template: editor.dataset.template,
            values: form.querySelector("[name=preview_values]:checked")?.value,
            last: form.querySelector("[name=last_text]")?.value,
        };
        try {
            const answer = await fetch(editor.dataset.previewUrl, {
                method: "POST",
                headers: {
                    "Accept": "text/html",
                    "Content-Type": "application/json",
                    "X-CSRFToken": form.elements.csrfmiddlewaretoken.value,
                },
                body: JSON.stringify(facts),
                signal: mine.signal,
            });
            const pieces = new DOMParser().parseFromString(await answer.text(), "text/html");
            // A page to log in, or an error's, is no preview.
            if (!answer.ok || !pieces.getElementById("so-problems")) throw new Error(answer.statusText);
            if (mine === asking) show(pieces);
        } catch {
            if (mine === asking && !mine.signal.aborted) {
                document.getElementById("so-preview").replaceChildren(
                    document.getElementById("so-away").content.cloneNode(true));
            }
        }
    }

    function show(pieces) {
        const focused = document.activeElement?.id;
        for (const piece of pieces.body.children) {
            const place = document.getElementById(piece.id);
            if (!place || place.innerHTML === piece.innerHTML) continue;
            if (place === said) say(piece.textContent);
            else place.replaceChildren(...piece.childNodes);
        }
        const broken = Boolean(form.querySelector("#so-problems .so-error-text"));
        if (body) {
            body.closest(".so-field").classList.toggle("so-bad", broken);
            body.setAttribute("aria-invalid", String(broken));
        }
        if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
    }

    function say(sentence) {
        clearTimeout(silence);
        silence = setTimeout(() => { said.textContent = sentence; }, SILENCE - PAUSE);
    }

    // ---- typing

    function write(text, start, end) {
        body.focus();
        body.setRangeText(text, start, end, "end");
        body.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function goTo(line, column) {
        const starts = body.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
        const ends = body.value.indexOf("\n", starts);
        body.focus();
        body.setSelectionRange(starts + column - 1, ends < 0 ? body.value.length : ends);
    }

    form.addEventListener("input", (event) => {
        if (event.target === body || list?.contains(event.target) || event.target === variables) later();
    });
    form.addEventListener("change", (event) => { if (event.target.name === "preview_values") ask(); });
    list?.addEventListener("click", later);

    form.addEventListener("click", (event) => {
        const { insert, line, column, replace, with: replacement, declare } = event.target.dataset;
        if (insert) write(`{{ ${insert} }}`, body.selectionStart, body.selectionEnd);
        if (replace) write(body.value.replaceAll(replace, replacement), 0, body.value.length);
        if (declare) declareBelow(declare);
        if (line && body) {
            event.preventDefault();
            goTo(Number(line), Number(column || 1));
        }
    });

    // ---- the list of variables: its inputs get names, its buttons the server's words

    function rows() {
        return [...list.querySelectorAll(".rjf-form-group-children .rjf-form-group-wrapper")].map(
            (row) => [...row.querySelectorAll("input")]);
    }

    function type(input, text) {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, text);
        input.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function declareBelow(name) {
        const known = rows().find((inputs) => inputs[0].value === name);
        if (known) {
            known[1].focus();
            return;
        }
        const free = rows().find((inputs) => inputs.every((input) => !input.value));
        if (!free) list.querySelector(".rjf-add-button").click();
        setTimeout(() => {
            const inputs = free || rows().at(-1);
            type(inputs[0], name);
            inputs[1].focus();
            later();
        });
    }

    function label() {
        const words = { "move-up": list.dataset.up, "move-down": list.dataset.down, "remove": list.dataset.remove };
        for (const inputs of rows()) {
            for (const input of inputs) {
                const column = input.closest(".rjf-form-row").querySelector("label")?.textContent.trim();
                set(input, "aria-label", [inputs[0].value, column].filter(Boolean).join(", "));
            }
            const row = inputs[0].closest(".rjf-form-group-wrapper");
            for (const button of row.querySelectorAll("button")) {
                const kind = Object.keys(words).find((one) => button.className.includes(one)) || "remove";
                set(button, "title", words[kind]);
                set(button, "aria-label", [words[kind], inputs[0].value].filter(Boolean).join(" "));
            }
        }
        const add = list.querySelector(".rjf-add-button");
        if (add) {
            set(add, "title", list.dataset.add);
            for (const node of add.childNodes) {
                if (node.nodeType === Node.TEXT_NODE && node.data.trim() && node.data !== ` ${list.dataset.add}`) {
                    node.data = ` ${list.dataset.add}`;
                }
            }
        }
    }

    function set(element, name, value) {
        if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }

    if (list) {
        new MutationObserver(label).observe(list, { childList: true, subtree: true });
        list.addEventListener("input", label);
    }

    // ---- the page opens at what matters

    const note = document.querySelector("[data-focus], .errornote");
    if (note) {
        note.tabIndex = -1;
        note.focus();
    }
    // The browser's Back brings the text back, but not the preview.
    window.addEventListener("pageshow", () => { if (body && body.value !== body.defaultValue) ask(); });
})();
