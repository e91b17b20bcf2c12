// cli/explore/page/explore.js - what happens when: a change is run, a newer one takes its place, the map follows when
// nothing else is to be done; and what can be taken away from the page.
"use strict";

const DEBOUNCE_MS = 90; // a slider's steps that follow each other are one change
const BUSY_AFTER_MS = 250; // quick runs do not flicker
const QUIET_MS = 250; // what is drawn when nothing else is to be done waits for so long
const MAP_RUN_MOST_NS = 1.5e9; // slower runs make a map only when asked
const MAP_DRAW_MS = 150; // how often points that come quickly are drawn
const ANSWERS_KEPT = 24;
const LOOK_TURNS = 4000; // of a look when nothing is known of such runs
const LOOK_NS = 0.6e9; // a run that is expected to take longer is looked at first: fewer turns, said so

const answers = new Map(); // by state.key(): whole answers, oldest first
const points = new Map(); // by state.key(): metrics of the map's points; null: they are refused

function keepAnswer(key, answer) {
    answers.delete(key);
    answers.set(key, answer);
    if (answers.size > ANSWERS_KEPT) answers.delete(answers.keys().next().value);
}

function say(text) {
    document.getElementById("status").textContent = text;
}

// ---- runs ----

const runs = (() => {
    let timer = 0,
        round = 0,
        polling = 0;
    const under = {}; // by side: {key, controller}
    const pace = new Map(); // by kind: {turns, ns of a turn} of the last whole run

    function schedule(settled) {
        state.writeLink();
        clearTimeout(timer);
        timer = setTimeout(go, settled ? 0 : DEBOUNCE_MS);
    }

    function busy(on) {
        document.getElementById("stop").hidden = !on;
        document.getElementById("results").classList.toggle("busy", on);
        document.getElementById("results").setAttribute("aria-busy", String(on));
    }

    // What decides how long a turn takes to simulate.
    function kind(side) {
        return ["policy", "trace", "workload.shape"].map((key) => state.value(key, side)).join("|");
    }

    // Turns that a side's run will have, as far as that is known without running it.
    function expected(side, known) {
        const number = (key) => units.read(state.value(key, side), "");
        const generated =
            state.value("trace", side) === "" && state.value("workload.shape", side) === "sharegpt";
        const turns = generated
            ? number("workload.sessions") * number("workload.mean_turns")
            : known.turns;
        return Math.min(turns, number("max_turns") || Infinity);
    }

    // Keys that cut all sides alike to as many turns as are simulated in LOOK_NS, going by earlier runs of their
    // kind; null: the whole is quick, or has been run.
    function look(sides) {
        const open = sides.filter((side) => !answers.has(state.key(state.set[side])));
        const most = open.map((side) => {
            const known = pace.get(kind(side));
            if (known && expected(side, known) * known.ns <= LOOK_NS / 0.7) return Infinity;
            return known ? LOOK_NS / known.ns : LOOK_TURNS;
        });
        const turns = Math.max(400, Math.floor(Math.min(...most)));
        const asked = open.map((side) => Number(state.value("max_turns", side)) || Infinity);
        if (turns >= Math.min(...asked) || !Number.isFinite(turns)) return null;
        const warmup = sides.map((side) => units.read(state.value("warmup_turns", side), "") || 0);
        return { max_turns: String(turns), warmup_turns: String(Math.floor(Math.min(...warmup, turns / 5))) };
    }

    function without(experiment, keys) {
        return Object.fromEntries(Object.entries(experiment).filter(([key]) => !(key in keys)));
    }

    function learn(side, answer) {
        const turns = answer.run.metrics.turns + (Number(answer.experiment.warmup_turns) || 0);
        if (turns > 0) pace.set(kind(side), { turns, ns: answer.took_ns / turns });
    }

    async function runSide(side, set) {
        const key = state.key(set);
        if (answers.has(key)) {
            if (under[side]) cancel(side);
            return { side, key, answer: answers.get(key) };
        }
        if (under[side] && under[side].key === key) return under[side].promise;
        if (under[side]) under[side].controller.abort(); // the program stops the older run by itself
        const controller = new AbortController();
        const promise = api
            .ask("api/run", { slot: side, set, curves: true }, controller.signal)
            .then((answer) => {
                if (answer.run) keepAnswer(key, answer);
                return { side, key, answer };
            })
            .finally(() => {
                if (under[side] && under[side].key === key) delete under[side];
            });
        under[side] = { key, controller, promise };
        return promise;
    }

    function cancel(side) {
        under[side].controller.abort();
        delete under[side];
        api.ask("api/cancel", { slot: side }).catch(() => {});
    }

    async function watch(mine, began) {
        if (mine !== round) return;
        busy(true);
        say("Simulating …");
        while (mine === round && Object.keys(under).length > 0) {
            const told = await api.ask("api/progress", {}).catch(() => null);
            if (told && mine === round && Object.keys(under).length > 0) {
                const slots = Object.keys(under).map((side) => told[side]);
                const share = Math.min(...slots.map((slot) => slot.share)),
                    turns = Math.max(...slots.map((slot) => slot.turns));
                const seconds = (performance.now() - began) / 1000;
                const done = `${Math.floor(100 * share)} %, ${turns.toLocaleString("en")} turns`;
                if (seconds > 0.8) say(`Simulating … ${done}, ${seconds.toFixed(0)} s`);
            }
            await new Promise((resolve) => setTimeout(resolve, 300));
        }
    }

    async function go() {
        const mine = ++round,
            began = performance.now(),
            sides = state.sides();
        clearTimeout(polling);
        polling = setTimeout(() => watch(mine, began), BUSY_AFTER_MS);
        verdict.pause();
        turn.pause();
        map.pause();
        for (const side of Object.keys(under)) if (!sides.includes(side)) cancel(side);
        try {
            const cut = look(sides);
            if (cut) {
                const first = await Promise.all(
                    sides.map((side) => runSide(side, { ...state.set[side], ...cut }))
                );
                if (mine !== round) return;
                if (first.every((one) => one.answer.run)) show(sides, first, 0, cut);
            }
            const told = await Promise.all(sides.map((side) => runSide(side, { ...state.set[side] })));
            if (mine !== round) return;
            for (const one of told) if (one.answer.run) learn(one.side, one.answer);
            clearTimeout(polling);
            busy(false);
            show(sides, told, (performance.now() - began) / 1000, null);
        } catch (error) {
            if (mine === round) lost(error);
        }
    }

    function lost(error) {
        if (error.name === "AbortError") return;
        clearTimeout(polling);
        busy(false);
        say("The program does not answer: was it ended? Start reprise explore again.");
    }

    // cut: the keys by which a look was cut, which are not the configuration's; null: of a whole run.
    function show(sides, told, seconds, cut) {
        const refused = told.find((one) => one.answer.error);
        if (told.some((one) => one.answer.stopped)) {
            say("Stopped. What is shown is of the configuration before.");
            return;
        }
        if (refused) {
            if (state.compare && refused.side !== state.edit) state.edit = refused.side;
            controls.show();
            const atKey = controls.showError(refused.answer.error);
            results.refuse(refused.answer.error, atKey, refused.side, () => {
                state.put("warmup_turns", "0", refused.side);
                controls.show();
                schedule(true);
            });
            say(atKey ? `Refused: ${refused.answer.error.key}` : `Refused: ${refused.answer.error.text}`);
            return;
        }
        controls.showError(null);
        const bySide = Object.fromEntries(told.map((one) => [one.side, one.answer]));
        controls.setEffective(without(bySide[state.edit].experiment, cut || {}));
        results.setVerdict(null);
        results.setTurn(null);
        results.show(sides, bySide, cut !== null);
        if (cut) return;
        document.getElementById("results").dataset.round = String(round);
        controls.setNotices(effects.of(state.edit, state.set[state.edit], bySide[state.edit]));
        say(`Up to date, ${seconds < 0.1 ? "at once" : `after ${seconds.toFixed(1)} s`}.`);
        follow(sides, bySide);
    }

    // What a slider that still moves would take back is not begun.
    async function follow(sides, bySide) {
        const mine = round,
            isNewest = () => mine === round;
        map.show(bySide[state.edit]);
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
        if (isNewest()) await verdict.follow(sides);
        if (isNewest()) await turn.follow(sides, bySide);
        if (isNewest()) map.fill();
    }

    function stop() {
        for (const side of Object.keys(under)) api.ask("api/cancel", { slot: side }).catch(() => {});
    }

    // The page goes: nobody waits for what is under way.
    function leave() {
        for (const slot of [...Object.keys(under), "words", "turn", "cost"])
            api.post("api/cancel", { slot }, { keepalive: true }).catch(() => {});
    }

    return { schedule, stop, leave };
})();

// ---- what two are to each other ----

const verdict = (() => {
    let mine = 0,
        controller = null,
        kept = { asked: "" }; // the last words, and of which question they are

    function pause() {
        mine++;
        if (controller) controller.abort();
        controller = null;
    }

    async function follow(sides) {
        const me = ++mine;
        if (sides.length < 2) return;
        const sets = sides.map((side) => ({ ...state.set[side] })),
            asked = JSON.stringify(sets.map((set) => state.key(set)));
        if (asked !== kept.asked) {
            results.setVerdict("Comparing them turn by turn …");
            controller = new AbortController();
            const told = await api
                .ask("api/compare", { sets }, controller.signal)
                .catch(() => ({ stopped: true }));
            if (me !== mine || told.stopped) return;
            if (told.error) {
                results.setVerdict(told.error.text);
                return;
            }
            kept = { asked, told };
        }
        results.setVerdict(kept.told);
    }

    return { follow, pause };
})();

// ---- a turn's prefill, when nothing else is to be done ----

const turn = (() => {
    let mine = 0,
        controller = null,
        kept = { asked: "" }; // the last picture, and of which question it is

    function pause() {
        mine++;
        if (controller) controller.abort();
        controller = null;
    }

    // The side under edit says which turn, else the other: the same one is drawn of both.
    function choose(sides, bySide) {
        const order = [...sides].sort((side) => (side === state.edit ? -1 : 1));
        const waits = order.filter((side) => bySide[side].turn && bySide[side].turn.wait_ns > 0);
        const side = waits[0] || order.find((each) => bySide[each].turn);
        return side ? { side, ...bySide[side].turn } : null;
    }

    function why(chosen, sides) {
        const under = sides.length > 1 ? ` under ${chosen.side.toUpperCase()}` : "";
        return chosen.wait_ns > 0
            ? `Turn ${chosen.turn}, whose layers waited longest for their KV${under}: ` +
                  `${charts.format(chosen.wait_ns, "ns")} in one iteration.`
            : chosen.loaded > 0
              ? `Turn ${chosen.turn}: no turn's layers waited for their KV${under}; of this one most were loaded.`
              : `Turn ${chosen.turn}, which computed longest: no turn's KV was loaded${under}.`;
    }

    // bySide: whole answers.
    async function follow(sides, bySide) {
        const me = ++mine,
            chosen = choose(sides, bySide);
        if (!chosen) {
            results.setTurn("No turn was prefilled.");
            return;
        }
        const sets = sides.map((side) => ({ ...state.set[side] }));
        const { session, turn_of_session } = chosen;
        const asked = JSON.stringify([sets.map((set) => state.key(set)), session, turn_of_session]);
        if (asked === kept.asked) {
            results.setTurn(kept.picture);
            return;
        }
        results.setTurn("Drawing …");
        controller = new AbortController();
        const told = await api
            .ask("api/turn", { sets, session, turn_of_session }, controller.signal)
            .catch(() => ({ stopped: true }));
        if (me !== mine || told.stopped) return;
        if (told.panels) kept = { asked, picture: { why: why(chosen, sides), sides, ...told } };
        results.setTurn(told.panels ? kept.picture : told.error.text);
    }

    return { follow, pause };
})();

// ---- what changed nothing ----

const effects = (() => {
    const last = {}; // by side: {set, metrics} of the last whole result

    // Keys in which two configurations differ; those that go with another do not count.
    function changed(before, now) {
        const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
        const differing = [...keys].filter((key) => before[key] !== now[key]);
        return differing.length === 2 && differing.includes("tiers.ssd.capacity")
            ? differing.filter((key) => key !== "ssd.drives")
            : differing;
    }

    // Which of two ends ended the run decides that the other does nothing.
    function ends(answer) {
        const turns = results.turnsInAll(answer),
            limited = results.endedByTurns(answer);
        if (limited && answer.experiment.trace === '""')
            return {
                "workload.sessions":
                    `Turns in all (${turns}) ended this run before these sessions did: ` +
                    "more of them change nothing.",
            };
        if (!limited && Number(answer.experiment.max_turns) > 0)
            return { max_turns: `The load ended this run, after ${turns} turns: more change nothing.` };
        return {};
    }

    // Keys that say one thing and stood at another in the run: a preset is what it is.
    function unheeded(set, answer) {
        const texts = {};
        for (const [key, text] of Object.entries(set)) {
            const row = state.rows.get(key),
                had = (answer.experiment[key] ?? text).replace(/^"(.*)"$/, "$1");
            const close = Math.abs(units.read(had, row.unit) / units.read(text, row.unit) - 1) < 1e-6;
            const same = had === text || close || units.read(had, row.unit) === units.read(text, row.unit);
            const told = units.write(units.read(had, row.unit), row.unit);
            if (!same) texts[key] = `Not heeded: ${answer.run.policy} ran with ${told === "NaN" ? had : told}.`;
        }
        return texts;
    }

    // Texts by key for the side under edit, whose whole answer this is.
    function of(side, set, answer) {
        const before = last[side],
            texts = { ...ends(answer), ...unheeded(set, answer) },
            metrics = JSON.stringify(answer.run.metrics);
        const keys = before ? changed(before.set, set) : [];
        if (keys.length === 1 && metrics === before.metrics) {
            const was = before.set[keys[0]] ?? state.rows.get(keys[0]).standard;
            texts[keys[0]] ??=
                `No effect: every metric is what it was with ${controls.words(keys[0], was)}.`;
        }
        // Asked again, the same answer keeps what it said.
        if (before && keys.length === 0) return { ...before.texts };
        last[side] = { set: { ...set }, metrics, texts };
        return texts;
    }

    return { of };
})();

// ---- the map of DRAM and SSD: one point after the other ----

const map = (() => {
    const DRAM = "tiers.dram.capacity",
        SSD = "tiers.ssd.capacity",
        DRIVES = "ssd.drives";
    let mine = 0,
        controller = null,
        base = {},
        own = {}, // by key: {text, bytes} of the configuration's size
        columns = [],
        rows = [],
        allowed = false;

    function three(value) {
        return Number(value.toPrecision(3));
    }

    function text(key, bytes) {
        return own[key].bytes === bytes ? own[key].text : units.write(bytes, "bytes");
    }

    function pointSizes(c, r) {
        return { [DRAM]: text(DRAM, columns[c]), [SSD]: text(SSD, rows[r]) };
    }

    function pointKey(c, r) {
        return state.key({ ...base, ...pointSizes(c, r) });
    }

    // undefined or NaN: not known.
    function ownBytes(key) {
        const size = state.value(key);
        if (size !== "hardware") return units.read(size, "bytes");
        return key === DRAM ? controls.server("dram_bytes") : controls.ssdBytes();
    }

    // The configuration's own size takes the place of one that is nearly the same.
    function withOwn(key, list) {
        const bytes = ownBytes(key),
            said = state.value(key);
        own[key] = { text: said === "hardware" ? units.write(bytes ?? NaN, "bytes") : said, bytes };
        return list.map((size) => (Math.abs(bytes / size - 1) < 0.03 ? bytes : size));
    }

    // Of a server's own sizes, from none to some times as much; SSD from the most down, as a map has north up.
    function sizes() {
        const dram = controls.server("dram_bytes") || 256e9,
            ssd = controls.server("ssd_bytes") || 8e12,
            drive = controls.driveBytes();
        columns = withOwn(
            DRAM,
            [0, 0.125, 0.25, 0.5, 1, 2].map((times) => three(dram * times))
        );
        rows = withOwn(
            SSD,
            drive
                ? [8, 4, 2, 1, 0].map((drives) => drive * drives)
                : [3, 1, 0.33, 0.1, 0].map((times) => three(ssd * times))
        );
    }

    function chosen() {
        const at = [columns.indexOf(ownBytes(DRAM)), rows.indexOf(ownBytes(SSD))];
        return at[0] >= 0 && at[1] >= 0 ? at : null;
    }

    function choose(c, r) {
        for (const [key, size] of Object.entries(pointSizes(c, r))) state.put(key, size);
        state.put(DRIVES, undefined);
        controls.show();
        runs.schedule(true);
    }

    function value(c, r) {
        const key = pointKey(c, r);
        return points.has(key) ? points.get(key) || undefined : null;
    }

    function hand() {
        const open = columns.some((_, c) => rows.some((__, r) => value(c, r) === null));
        results.setMap({
            columns,
            rows,
            value,
            chosen,
            choose,
            waits:
                !allowed && open
                    ? () => {
                          allowed = true;
                          go();
                      }
                    : null,
        });
    }

    // Anything else goes first.
    function pause() {
        mine++;
        if (controller) controller.abort();
        controller = null;
    }

    async function go() {
        const me = ++mine;
        let drawn = performance.now();
        for (let r = rows.length - 1; r >= 0; r--)
            for (let c = 0; c < columns.length; c++) {
                if (value(c, r) !== null) continue;
                const set = { ...base, ...pointSizes(c, r) };
                controller = new AbortController();
                const answer = await api
                    .ask("api/run", { slot: "cost", set, curves: false }, controller.signal)
                    .catch(() => ({ stopped: true }));
                if (me !== mine || answer.stopped) return;
                points.set(pointKey(c, r), answer.run ? answer.run.metrics : null);
                if (performance.now() < drawn + MAP_DRAW_MS) continue;
                results.drawMap();
                drawn = performance.now();
            }
        controller = null;
        hand();
    }

    // The map of the configuration under edit, as far as it is known; answer: its run.
    function show(answer) {
        const next = { ...state.set[state.edit] };
        delete next[DRAM];
        delete next[SSD];
        delete next[DRIVES]; // as many as the size takes
        if (state.key(next) !== state.key(base)) allowed = false;
        base = next;
        sizes();
        allowed = allowed || answer.took_ns <= MAP_RUN_MOST_NS;
        hand();
    }

    function fill() {
        if (allowed) go();
    }

    return { show, fill, pause };
})();

// ---- what can be taken away ----

function download(name, blob) {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`${name} is saved where your browser puts files.`);
}

const exports_ = {
    // A trace that was handed over is gone with the program: its own name stands in the file.
    yaml() {
        const shown = results.shown();
        for (const side of shown.sides) {
            const { yaml, experiment } = shown.answers[side];
            const handed = state.names.trace.find(
                (entry) => entry.handed && JSON.stringify(entry.name) === experiment.trace
            );
            const own = handed ? JSON.stringify(handed.about) : experiment.trace;
            const name = `experiment${shown.sides.length > 1 ? `-${side}` : ""}.yaml`;
            const text = yaml.replace(`trace: ${experiment.trace}\n`, () => `trace: ${own}\n`);
            download(name, new Blob([text], { type: "application/yaml" }));
            if (handed) say(`${name} is saved; run it where ${handed.about} is.`);
        }
    },
    csv() {
        const shown = results.shown(),
            quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        const head = [
            "metric",
            "unit",
            ...shown.sides.map((side) => (shown.sides.length > 1 ? side.toUpperCase() : "value")),
            "meaning",
        ];
        const lines = state.metrics.map((row) => [
            row.name,
            row.unit,
            ...shown.sides.map((side) => String(shown.answers[side].run.metrics[row.name])),
            row.meaning,
        ]);
        download(
            "metrics.csv",
            new Blob([[head, ...lines].map((line) => line.map(quote).join(",")).join("\n") + "\n"], {
                type: "text/csv",
            })
        );
    },
    async png() {
        download("explore.png", await charts.png(results.pictures()));
    },
    async report() {
        say("Writing the report …");
        const answer = await api.post("api/report", {
            sets: results.shown().sides.map((side) => state.set[side]),
        });
        if (answer.headers.get("Content-Type").startsWith("text/html"))
            download("report.html", await answer.blob());
        else {
            const told = await answer.json();
            say(told.error ? told.error.text : "Stopped.");
        }
    },
};

async function copyLink() {
    state.writeLink();
    try {
        await navigator.clipboard.writeText(location.href);
        say("The link is copied: it holds all settings, as long as the program runs.");
    } catch (error) {
        say("The browser does not let the page copy: take the link from its address bar.");
    }
}

// ---- the page ----

function setCompare(on) {
    if (on) state.set.b = { ...state.set.a };
    else state.set.a = { ...state.set[state.edit] };
    state.compare = on;
    state.edit = on ? "b" : "a";
    showCompare();
    controls.show();
    runs.schedule(true);
}

function showCompare() {
    const button = document.getElementById("compare");
    button.setAttribute("aria-pressed", String(state.compare));
}

function bind() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("compare", () => setCompare(!state.compare));
    on("copy", copyLink);
    on("stop", runs.stop);
    for (const id of ["skip", "glance"])
        on(id, (event) => {
            // the address's hash is the state's
            event.preventDefault();
            document.getElementById("results").focus();
            document.getElementById("results").scrollIntoView();
        });
    for (const name of Object.keys(exports_))
        on(`export-${name}`, () => {
            document.getElementById("export").open = false;
            if (results.shown()) exports_[name]();
            else say("There is no result to export.");
        });
    addEventListener("pagehide", runs.leave);
    const menu = document.getElementById("export");
    document.addEventListener("click", (event) => {
        if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !menu.open) return;
        menu.open = false;
        menu.querySelector("summary").focus();
    });
    addEventListener("hashchange", () => {
        if (location.hash === state.link() || !state.readLink()) return;
        showCompare();
        controls.show();
        runs.schedule(true);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", results.redraw);
    let width = 0,
        timer = 0;
    new ResizeObserver(() => {
        const now = document.getElementById("results").clientWidth;
        if (now === width) return;
        width = now;
        clearTimeout(timer);
        timer = setTimeout(results.redraw, 120);
    }).observe(document.getElementById("results"));
}

async function begin() {
    say("Loading …");
    results.begin(document.getElementById("results"));
    try {
        await state.begin();
    } catch (error) {
        say("The program does not answer: was it ended?");
        return;
    }
    controls.build(document.getElementById("controls"), (settled) => runs.schedule(settled), say);
    bind();
    showCompare();
    controls.show();
    runs.schedule(true);
}

begin();
