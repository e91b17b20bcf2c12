// cli/explore/page/controls.js - the experiment's keys as controls: sliders and lists for those that matter most,
// a field for every other. Each shows what the configuration under edit says, or the default in its place; what
// the program refuses is told at the key, and what changed nothing too.
"use strict";

function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
        if (key === "class") made.className = value;
        else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
        else if (value === true) made.setAttribute(key, "");
        else if (value !== false && value !== undefined && value !== null) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
}

const controls = (() => {
    const STEPS = 240; // of a slider
    const SSD = "tiers.ssd.capacity",
        DRIVES = "ssd.drives";

    // Sliders of the first view: a key's range there, where it is smaller than what the key takes.
    const SLIDERS = {
        gpus: { name: "GPUs", from: 1, to: () => server("gpus") || 8, whole: true },
        "engine.hbm_utilisation": {
            name: "Share of HBM that the engine may use",
            from: 0.3,
            to: 1,
            own: "0",
            ownValue: () => server("hbm_utilisation"),
            ownWords: "the server's",
            share: true,
        },
        "tiers.dram.capacity": {
            name: "DRAM for KV",
            from: 1e9,
            to: 16e12,
            log: true,
            zero: "0",
            own: "hardware",
            ownValue: () => server("dram_bytes"),
            ownWords: "the server's",
        },
        "tiers.ssd.capacity": {
            name: "SSD for KV",
            from: 1e10,
            to: 5e14,
            log: true,
            zero: "0",
            own: "hardware",
            ownValue: ssdBytes,
            ownWords: "the server's drives'",
        },
        "workload.sessions_per_s": { name: "Sessions that begin per second", from: 0.01, to: 100, log: true },
        "workload.sessions": { name: "Sessions in all", from: 100, to: 100000, log: true, whole: true },
        max_turns: {
            name: "Turns in all",
            from: 100,
            to: 1000000,
            log: true,
            whole: true,
            last: "0",
            lastWords: "until the load ends",
        },
        warmup_turns: {
            name: "First turns, not measured",
            from: 10,
            to: 100000,
            log: true,
            whole: true,
            zero: "0",
        },
        "workload.mean_turns": { name: "Turns a session", from: 1, to: 100, log: true },
        "workload.think_time.mean": { name: "Think time between turns", from: 1e9, to: 3600e9, log: true },
        "workload.prompt_tokens.mean": {
            name: "New tokens in a prompt",
            from: 10,
            to: 20000,
            log: true,
            whole: true,
        },
        "workload.reply_tokens.mean": {
            name: "Tokens of a reply",
            from: 10,
            to: 5000,
            log: true,
            whole: true,
        },
        "import.rate": { name: "Arrivals, times the trace's", from: 0.1, to: 100, log: true },
        "import.think_scale": { name: "Think times, times the trace's", from: 0.1, to: 10, log: true },
    };
    const LISTS = {
        model: "Model",
        hardware: "Server",
        policy: "Policy or engine",
        trace: "Load",
        "workload.shape": "Shape of the workload",
    };
    const GROUPS = [
        ["Model and server", ["model", "hardware", "gpus"]],
        ["Tiers", ["engine.hbm_utilisation", "tiers.dram.capacity", "tiers.ssd.capacity"]],
        ["Policy", ["policy"]],
        [
            "Load",
            [
                "trace",
                "workload.shape",
                "workload.sessions_per_s",
                "workload.sessions",
                "workload.mean_turns",
                "workload.think_time.mean",
                "workload.prompt_tokens.mean",
                "workload.reply_tokens.mean",
                "import.rate",
                "import.think_scale",
                "max_turns",
                "warmup_turns",
            ],
        ],
    ];
    const OF_SHAREGPT = new Set([
        "workload.sessions",
        "workload.mean_turns",
        "workload.think_time.mean",
        "workload.prompt_tokens.mean",
        "workload.reply_tokens.mean",
    ]);

    let changed = () => {}; // (settled): a key has another value
    let tell = () => {}; // (text): what is under way
    let effective = {}; // of the last result: what presets and versions made of keys that are not set
    const shown = new Map(); // key: [functions that show its value]
    const places = new Map(); // key: [elements for its error]
    const notices = new Map(); // key: what the last result says of it

    function server(member) {
        const entry = state.names.hardware.find((item) => item.name === state.value("hardware"));
        return entry ? entry[member] : undefined;
    }

    // Of the drive that is chosen; undefined: the server's own disks.
    function driveBytes() {
        const entry = state.names["ssd.drive"].find((item) => item.name === state.value("ssd.drive"));
        return entry ? entry.bytes : undefined;
    }

    // The SSD tier where its key says that it is what the hardware has.
    function ssdBytes() {
        const drives = Number(state.value("ssd.drives"));
        return driveBytes() && !Number.isNaN(drives) ? drives * driveBytes() : server("ssd_bytes");
    }

    function onShow(key, show) {
        if (!shown.has(key)) shown.set(key, []);
        shown.get(key).push(show);
    }

    function put(key, text, settled) {
        if (key === SSD) state.put(DRIVES, undefined); // as many as that takes
        const row = state.rows.get(key);
        state.put(key, text === row.standard && !(key in effective) ? undefined : text);
        show();
        changed(settled);
    }

    // A key's name, way back to what the page began with, and places for what it is refused for and what it did not
    // change, around a control.
    function field(key, name, control, extra) {
        const row = state.rows.get(key),
            id = control.id;
        const reset = element(
            "button",
            {
                type: "button",
                class: "reset",
                "aria-label": `${name}: back to the beginning`,
                title: `back to what the page began with: ${state.start[key] || row.standard || "none"}`,
                onclick: () => {
                    state.put(key, state.start[key]);
                    if (key === SSD) state.put(DRIVES, state.start[DRIVES]);
                    show();
                    changed(true);
                },
            },
            "↺"
        );
        const error = element("p", { class: "error", id: `${id}-error`, hidden: true });
        if (!places.has(key)) places.set(key, []);
        places.get(key).push(error);
        control.setAttribute("aria-describedby", `${id}-error`);
        const notice = element("p", { class: "notice", hidden: true });
        onShow(key, () => {
            reset.hidden = !state.differs(key);
            notice.textContent = notices.get(key) || "";
            notice.hidden = notice.textContent === "";
        });
        return element(
            "div",
            { class: "field" },
            element("div", { class: "name" }, element("label", { for: id, title: row.help }, name), reset),
            control,
            ...(extra || []),
            notice,
            error
        );
    }

    // ---- sliders ----

    function slider(key) {
        const spec = SLIDERS[key],
            row = state.rows.get(key);
        const id = `c-${key}`;
        const first = spec.zero !== undefined ? 1 : 0; // the leftmost step is none at all
        const behind = spec.last !== undefined ? 1 : 0; // the rightmost step is no limit
        const ends = () => [spec.from, typeof spec.to === "function" ? spec.to() : spec.to];
        const steps = () => (spec.whole && !spec.log ? ends()[1] - ends()[0] : STEPS);
        const wide = () => steps() - first - behind || 1;
        const toStep = (value) => {
            const [from, to] = ends();
            if (value <= 0 && (first || behind)) return first ? 0 : steps();
            const share = spec.log
                ? Math.log(Math.max(value, from) / from) / Math.log(to / from)
                : (value - from) / (to - from || 1);
            return Math.round(first + Math.min(1, Math.max(0, share)) * wide());
        };
        const toText = (step) => {
            const [from, to] = ends();
            if (first && step === 0) return spec.zero;
            if (behind && step === steps()) return spec.last;
            const share = (step - first) / wide();
            const value = spec.log ? from * (to / from) ** share : from + (to - from) * share;
            return spec.whole
                ? String(Math.round(Number(value.toPrecision(value >= 100 ? 2 : 3))))
                : spec.share
                  ? value.toFixed(2)
                  : units.write(Number(value.toPrecision(2)), row.unit);
        };
        const range = element("input", { type: "range", id, min: 0, max: STEPS, step: 1 });
        const text = element("input", {
            type: "text",
            class: "value",
            id: `${id}-text`,
            "aria-label": `${spec.name}, as a value`,
            spellcheck: "false",
            title: row.takes,
        });
        const note = element("span", { class: "own" });
        range.addEventListener("input", () => put(key, toText(Number(range.value)), false));
        range.addEventListener("change", () => changed(true));
        // Emptied it stands for what it stood for where nothing is said.
        const none = spec.own !== undefined ? spec.own : row.standard;
        text.addEventListener("change", () => put(key, text.value.trim() || none, true));
        onShow(key, () => {
            const given = state.isSet(key) ? state.value(key) : effective[key] || state.value(key);
            const own = spec.own !== undefined && given === spec.own;
            const number = own ? spec.ownValue() : units.read(given, row.unit);
            range.max = steps();
            if (document.activeElement !== range || Number.isNaN(Number(range.value)))
                range.value = toStep(Number.isNaN(number) || number === undefined ? ends()[0] : number);
            const known = own && number !== undefined;
            const written = known ? (spec.share ? String(number) : units.write(number, row.unit)) : given;
            const words = known ? spec.ownWords : behind && given === spec.last ? spec.lastWords : "";
            // What is the server's own stands there dim, to be written over.
            if (document.activeElement !== text) text.value = known ? "" : given;
            text.placeholder = known ? written : "";
            range.setAttribute("aria-valuetext", words ? `${written}, ${words}` : written);
            text.title = `takes ${row.takes}`;
            note.textContent = words;
        });
        const made = field(key, spec.name, range, [text, note]);
        made.classList.add("slider");
        return made;
    }

    // ---- lists ----

    function choices(key) {
        const row = state.rows.get(key);
        return state.names[key] || row.choices.map((name) => ({ name, about: "" }));
    }

    function list(key, id, name) {
        const select = element("select", { id });
        const about = element("p", { class: "about" });
        const entries = choices(key);
        const words = (entry) => (entry.name === "" || key === "trace" ? entry.about : entry.name);
        const option = (entry) => element("option", { value: entry.name }, words(entry));
        if (entries.some((entry) => entry.preset)) {
            select.append(
                element(
                    "optgroup",
                    { label: "policies" },
                    ...entries.filter((entry) => !entry.preset).map(option)
                ),
                element(
                    "optgroup",
                    { label: "engines of today, with all they do" },
                    ...entries.filter((entry) => entry.preset).map(option)
                )
            );
        } else select.append(...entries.map(option));
        select.addEventListener("change", () => put(key, select.value, true));
        onShow(key, () => {
            const value = state.isSet(key)
                ? state.value(key)
                : effective[key] && entries.some((entry) => entry.name === effective[key])
                  ? effective[key]
                  : state.value(key);
            const known = entries.find((entry) => entry.name === value) || { name: value, about: value };
            if (![...select.options].some((each) => each.value === value)) select.append(option(known));
            select.value = value;
            about.textContent = known.name !== "" && known.about !== known.name ? known.about : "";
        });
        return field(key, name, select, [about]);
    }

    // A trace that the command line did not name.
    function own() {
        const file = element("input", { type: "file", id: "own-trace" });
        file.addEventListener("change", () => {
            if (file.files.length > 0) upload.take(file.files[0], takeTrace, tell);
        });
        return element(
            "div",
            { class: "own-trace" },
            element("label", { for: "own-trace" }, "or a trace of yours: drop it here, or choose"),
            file
        );
    }

    function takeTrace(path) {
        put("trace", path, true);
    }

    // ---- any key ----

    function plain(key) {
        const row = state.rows.get(key),
            id = `k-${key}`;
        let made;
        if (state.names[key] || row.kind === "choice") made = list(key, id, key);
        else if (row.kind === "bool") {
            const select = element(
                "select",
                { id },
                element("option", { value: "true" }, "true"),
                element("option", { value: "false" }, "false")
            );
            select.addEventListener("change", () => put(key, select.value, true));
            onShow(key, () => {
                select.value = state.isSet(key) ? state.value(key) : effective[key] || row.standard;
            });
            made = field(key, key, select);
        } else {
            const input = element("input", {
                type: "text",
                id,
                spellcheck: "false",
                placeholder: row.standard || "none",
                title: row.takes,
            });
            input.addEventListener("change", () =>
                put(
                    key,
                    input.value.trim() === "" && row.kind !== "text" ? undefined : input.value.trim(),
                    true
                )
            );
            onShow(key, () => {
                if (document.activeElement === input) return;
                input.value = state.isSet(key) ? state.value(key) : "";
                input.placeholder =
                    (effective[key] || row.standard || "none").replace(/^"(.*)"$/, "$1") || "none";
            });
            made = field(key, key, input);
        }
        made.append(element("p", { class: "help" }, `${row.help}. Takes ${row.takes}.`));
        made.dataset.words = `${key} ${row.help}`.toLowerCase();
        return made;
    }

    function everything() {
        const search = element("input", {
            type: "search",
            id: "search",
            placeholder: "search keys and their meaning",
        });
        const only = element("input", { type: "checkbox", id: "only-set" });
        const count = element("p", { class: "help", role: "status" });
        const fields = element("div", { class: "all" });
        const details = element(
            "details",
            { id: "all-settings" },
            element("summary", {}, "All settings"),
            element("div", { class: "field" }, element("label", { for: "search" }, "Find a setting"), search),
            element(
                "div",
                { class: "check" },
                only,
                element("label", { for: "only-set" }, "only those that differ from the default")
            ),
            count,
            fields
        );
        const filter = () => {
            const words = search.value
                .toLowerCase()
                .split(/\s+/)
                .filter((word) => word !== "");
            let found = 0;
            for (const item of fields.children) {
                const key = item.dataset.key;
                item.hidden = !(
                    words.every((word) => item.dataset.words.includes(word)) &&
                    (!only.checked || state.isSet(key))
                );
                found += item.hidden ? 0 : 1;
            }
            count.textContent = `${found} of ${fields.children.length} settings`;
        };
        details.addEventListener("toggle", () => {
            // 200 fields that most never look at
            if (!details.open || fields.children.length > 0) return;
            for (const key of state.rows.keys()) {
                const item = plain(key);
                item.dataset.key = key;
                fields.append(item);
            }
            show();
            filter();
        });
        search.addEventListener("input", filter);
        only.addEventListener("change", filter);
        return details;
    }

    // ---- all of them ----

    function applies(key) {
        const trace = state.value("trace") !== "",
            shape = state.value("workload.shape");
        if (key.startsWith("import.")) return trace;
        if (key.startsWith("workload.")) return !trace && (shape === "sharegpt" || !OF_SHAREGPT.has(key));
        return true;
    }

    function build(form, onChanged, onTold) {
        changed = onChanged;
        tell = onTold;
        upload.listen(takeTrace, tell);
        const tabs = element("fieldset", { id: "sides", class: "tabs" }, element("legend", {}, "Change"));
        for (const side of ["a", "b"]) {
            const radio = element("input", { type: "radio", name: "side", id: `side-${side}`, value: side });
            radio.addEventListener("change", () => {
                state.edit = side;
                show();
                changed(true);
            });
            tabs.append(radio, element("label", { for: `side-${side}`, class: side }, side.toUpperCase()));
        }
        form.append(tabs);
        for (const [name, keys] of GROUPS) {
            const group = element("fieldset", {}, element("legend", {}, name));
            for (const key of keys) {
                const made = key in SLIDERS ? slider(key) : list(key, `c-${key}`, LISTS[key]);
                onShow(key, () => {
                    made.hidden = !applies(key);
                });
                if (key === "trace") made.append(own());
                group.append(made);
            }
            form.append(group);
        }
        form.append(everything());
        form.append(
            element(
                "button",
                {
                    type: "button",
                    id: "reset-all",
                    onclick: () => {
                        state.set[state.edit] = { ...state.start };
                        show();
                        changed(true);
                    },
                },
                "Begin again"
            )
        );
        form.addEventListener("submit", (event) => event.preventDefault());
    }

    function show() {
        document.getElementById("sides").hidden = !state.compare;
        for (const side of ["a", "b"]) document.getElementById(`side-${side}`).checked = state.edit === side;
        for (const list of shown.values()) for (const each of list) each();
    }

    // What the last run made of the keys that are not set, where that is not their default: of a preset, a version.
    function setEffective(experiment) {
        effective = {};
        for (const [key, told] of Object.entries(experiment || {})) {
            const row = state.rows.get(key),
                text = told.replace(/^"(.*)"$/, "$1");
            const number = units.read(text, row.unit),
                standard = row.standard || "";
            if (
                text === standard ||
                state.isSet(key) ||
                (!Number.isNaN(number) && number === units.read(standard, row.unit))
            )
                continue;
            const written = Number.isNaN(number) ? text : units.write(number, row.unit);
            effective[key] = units.read(written, row.unit) === number ? written : text;
        }
        show();
    }

    // What a key's text is called.
    function words(key, text) {
        const spec = SLIDERS[key] || {};
        return text === spec.own ? spec.ownWords : text === spec.last ? spec.lastWords : text || "none";
    }

    // texts: by key, what a result says of keys that have no effect on it.
    function setNotices(texts) {
        notices.clear();
        for (const [key, text] of Object.entries(texts)) notices.set(key, text);
        show();
    }

    // At its key, if it has one that is shown; false: it is to be told elsewhere.
    function showError(error) {
        for (const list of places.values()) for (const place of list) place.hidden = true;
        for (const control of document.querySelectorAll("#controls [aria-invalid]"))
            control.removeAttribute("aria-invalid");
        const list = error ? places.get(error.key) : undefined;
        if (!list) return false;
        for (const place of list) {
            place.textContent = `expected ${error.expected}${error.found ? `, found "${error.found}"` : ""}`;
            place.hidden = false;
            const control = document.getElementById(place.id.replace(/-error$/, ""));
            if (control) control.setAttribute("aria-invalid", "true");
        }
        return true;
    }

    return { build, show, setEffective, setNotices, showError, words, server, driveBytes, ssdBytes };
})();
